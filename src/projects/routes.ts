import type { Static } from 'typebox'
import Type from 'typebox'
import type { Project as ProjectRow } from '../platform/generated/client.ts'
import type { HttpServer } from '../platform/http-server.ts'
import type { Services } from '../platform/services.ts'
import { operatorRequest, projectRequest } from './access.ts'
import { changeProject } from './change-project.ts'
import { createProject } from './create-project.ts'
import { deleteProject } from './delete-project.ts'
import { registerKeyRoutes } from './keys/routes.ts'
import { auditPageSchema, listAudit } from './list-audit.ts'
import { listProjects } from './list-projects.ts'
import { registerOperatorRoutes } from './operators/routes.ts'
import { registerMemberRoutes } from './organizations/member-routes.ts'
import { registerOrganizationRoutes } from './organizations/routes.ts'
import { settingsPatchSchema, settingsSchema } from './project-settings.ts'
import { type Projects, toProject } from './projects.ts'
import {
  closed,
  dryRunQuery,
  idSchema,
  nameSchema,
  nextCursorSchema,
  noContentSchema,
  pageQuerySchema,
  timeSchema,
} from './schemas.ts'

const projectResponse = Type.Object(
  {
    ref: Type.String(),
    name: Type.String(),
    organizationId: Type.String(),
    settings: settingsSchema,
    createdAt: timeSchema,
    updatedAt: timeSchema,
  },
  closed,
)
const refParams = Type.Object({ ref: Type.String() })
const tags = ['Projects']

/** Everything about who runs projects, and the projects themselves. */
export function registerProjects(app: HttpServer, services: Services, projects: Projects): void {
  registerOperatorRoutes(app, services, projects)
  registerOrganizationRoutes(app, services, projects)
  registerMemberRoutes(app, services, projects)
  registerKeyRoutes(app, services, projects)

  app.get(
    '/v1/projects',
    {
      config: { access: { door: 'operator' } },
      schema: {
        operationId: 'listProjects',
        summary: 'The projects of your organizations',
        tags,
        querystring: pageQuerySchema,
        response: {
          200: Type.Object({ projects: Type.Array(projectResponse), nextCursor: nextCursorSchema }, closed),
        },
      },
    },
    async (request) => {
      const { operator } = operatorRequest(request)
      const { rows, nextCursor } = await listProjects(services, operator.operatorId, request.query)
      return { projects: rows.map((row) => presentProject(services, row)), nextCursor }
    },
  )

  app.post(
    '/v1/projects',
    {
      config: { access: { door: 'operator' } },
      schema: {
        operationId: 'createProject',
        summary: 'Create a project; the secret key is shown only in this answer',
        tags,
        body: Type.Object(
          {
            name: nameSchema,
            organizationId: Type.Optional(idSchema),
            ref: Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9]{7,31}$' })),
          },
          closed,
        ),
        response: {
          201: Type.Object(
            {
              project: projectResponse,
              keys: Type.Object({ publishable: Type.String(), secret: Type.String() }, closed),
            },
            closed,
          ),
        },
      },
    },
    async (request, reply) => {
      const { operator } = operatorRequest(request)
      const { row, keys } = await createProject(services, projects, operator, request.body, request)
      return reply.code(201).send({ project: presentProject(services, row), keys })
    },
  )

  app.get(
    '/v1/projects/:ref',
    {
      config: { access: { door: 'project', scope: 'settings:read' } },
      schema: {
        operationId: 'getProject',
        summary: 'The project with its settings',
        tags,
        params: refParams,
        response: { 200: projectResponse },
      },
    },
    async (request) => {
      const { project } = projectRequest(request)
      return presentProject(
        services,
        await services.control.project.findUniqueOrThrow({ where: { id: project.id } }),
      )
    },
  )

  app.patch(
    '/v1/projects/:ref',
    {
      config: { access: { door: 'project', scope: 'settings:write', dryRunScope: 'settings:read' } },
      schema: {
        operationId: 'changeProject',
        summary: 'Change name and settings; settings are merged. With dryRun only check',
        tags,
        params: refParams,
        querystring: dryRunQuery,
        body: Type.Object(
          { name: Type.Optional(nameSchema), settings: Type.Optional(settingsPatchSchema) },
          closed,
        ),
        response: { 200: projectResponse },
      },
    },
    async (request) => {
      const options = { dryRun: request.query.dryRun === true, request }
      const row = await changeProject(services, projects, projectRequest(request), request.body, options)
      return presentProject(services, row)
    },
  )

  app.delete(
    '/v1/projects/:ref',
    {
      config: { access: { door: 'project', scope: 'settings:write', role: 'admin' } },
      schema: {
        operationId: 'deleteProject',
        summary: 'Delete the project and everything in it, for ever; for operators only',
        tags,
        params: refParams,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { operator } = operatorRequest(request)
      await deleteProject(services, projects, operator, projectRequest(request).project, request)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/v1/projects/:ref/audit',
    {
      config: { access: { door: 'project', scope: 'settings:read' } },
      schema: {
        operationId: 'listProjectAudit',
        summary: 'Who changed what in the project, the newest first',
        tags,
        params: refParams,
        querystring: pageQuerySchema,
        response: { 200: auditPageSchema },
      },
    },
    (request) =>
      listAudit(services.control, { projectId: projectRequest(request).project.id }, request.query),
  )
}

function presentProject(services: Services, row: ProjectRow): Static<typeof projectResponse> {
  const { ref, name, organizationId, settings } = toProject(services, row)
  const { createdAt, updatedAt } = row
  return {
    ref,
    name,
    organizationId,
    settings,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}
