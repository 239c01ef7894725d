import Type from 'typebox'
import type { HttpServer } from '../../platform/http-server.ts'
import type { Services } from '../../platform/services.ts'
import { operatorRequest } from '../access.ts'
import { auditPageSchema, listAudit } from '../list-audit.ts'
import type { Projects } from '../projects.ts'
import { organizationRoles } from '../roles.ts'
import { closed, nameSchema, pageQuerySchema, timeSchema } from '../schemas.ts'
import { createOrganization } from './create-organization.ts'

const roleSchema = Type.Enum(organizationRoles)
const organizationSchema = Type.Object(
  { id: Type.String(), name: Type.String(), role: roleSchema, createdAt: timeSchema },
  closed,
)
const orgParams = Type.Object({ org: Type.String() })
const tags = ['Organizations']
const maxListed = 500

export function registerOrganizationRoutes(app: HttpServer, services: Services, projects: Projects): void {
  const { control } = services

  app.get(
    '/v1/organizations',
    {
      config: { access: { door: 'operator' } },
      schema: {
        operationId: 'listOrganizations',
        summary: 'The organizations that you are a member of',
        tags,
        response: { 200: Type.Object({ organizations: Type.Array(organizationSchema) }, closed) },
      },
    },
    async (request) => {
      const rows = await control.membership.findMany({
        where: { operatorId: operatorRequest(request).operator.operatorId },
        include: { organization: true },
        orderBy: { organizationId: 'asc' },
        take: maxListed,
      })
      return {
        organizations: rows.map(({ organization: { id, name, createdAt }, role }) => ({
          id,
          name,
          role,
          createdAt: createdAt.toISOString(),
        })),
      }
    },
  )

  app.post(
    '/v1/organizations',
    {
      config: { access: { door: 'operator' } },
      schema: {
        operationId: 'createOrganization',
        summary: 'Create an organization and own it',
        tags,
        body: Type.Object({ name: nameSchema }, closed),
        response: { 201: organizationSchema },
      },
    },
    async (request, reply) => {
      const { operator } = operatorRequest(request)
      const created = await createOrganization(services, projects, operator, request.body.name, request)
      const { id, name, createdAt } = created
      return reply.code(201).send({ id, name, role: 'owner', createdAt: createdAt.toISOString() })
    },
  )

  app.get(
    '/v1/organizations/:org/audit',
    {
      config: { access: { door: 'organization', role: 'admin' } },
      schema: {
        operationId: 'listOrganizationAudit',
        summary: 'Who changed what in the organization and its projects, the newest first',
        tags,
        params: orgParams,
        querystring: pageQuerySchema,
        response: { 200: auditPageSchema },
      },
    },
    (request) => listAudit(control, { organizationId: request.params.org }, request.query),
  )
}
