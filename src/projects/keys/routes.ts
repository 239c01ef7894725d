import type { Static } from 'typebox'
import Type from 'typebox'
import type { ApiKey } from '../../platform/generated/client.ts'
import { KeyKind } from '../../platform/generated/enums.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import type { Services } from '../../platform/services.ts'
import { projectRequest } from '../access.ts'
import { allScopes } from '../actor.ts'
import type { Projects } from '../projects.ts'
import { closed, idSchema, nameSchema, noContentSchema, timeSchema } from '../schemas.ts'
import { createKey } from './create-key.ts'
import { revokeKey } from './revoke-key.ts'

const kindSchema = Type.Enum([KeyKind.publishable, KeyKind.secret])
const nullableTime = Type.Union([timeSchema, Type.Null()])
const keyProperties = {
  id: Type.String(),
  name: Type.String(),
  kind: kindSchema,
  display: Type.String({ description: 'A publishable key itself; the last characters of a secret one.' }),
  scopes: Type.Array(Type.String()),
  createdAt: timeSchema,
  expiresAt: nullableTime,
  lastUsedAt: nullableTime,
}
const keySchema = Type.Object(keyProperties, closed)
const createdKeySchema = Type.Object(
  { ...keyProperties, key: Type.String({ description: 'The key itself. A secret key is shown only here.' }) },
  closed,
)
const refParams = Type.Object({ ref: Type.String() })
const tags = ['Keys']

export function registerKeyRoutes(app: HttpServer, services: Services, projects: Projects): void {
  app.get(
    '/v1/projects/:ref/keys',
    {
      config: { access: { door: 'project', scope: 'settings:read' } },
      schema: {
        operationId: 'listKeys',
        summary: 'The keys of the project; secret ones without their value',
        tags,
        params: refParams,
        response: { 200: Type.Object({ keys: Type.Array(keySchema) }, closed) },
      },
    },
    async (request) => {
      const { project } = projectRequest(request)
      const where = { projectId: project.id }
      const rows = await services.control.apiKey.findMany({ where, orderBy: { id: 'asc' } })
      return { keys: rows.map(presentKey) }
    },
  )

  app.post(
    '/v1/projects/:ref/keys',
    {
      config: { access: { door: 'project', scope: 'settings:write', role: 'admin' } },
      schema: {
        operationId: 'createKey',
        summary: 'Create a key; a secret key is shown only in this answer',
        tags,
        params: refParams,
        body: Type.Object(
          {
            name: nameSchema,
            kind: kindSchema,
            scopes: Type.Optional(Type.Array(Type.Enum([...allScopes]), { maxItems: 20, uniqueItems: true })),
            expiresAt: Type.Optional(timeSchema),
          },
          closed,
        ),
        response: { 201: createdKeySchema },
      },
    },
    async (request, reply) => {
      const created = await createKey(services, projects, projectRequest(request), request.body, request)
      return reply.code(201).send({ ...presentKey(created.row), key: created.key })
    },
  )

  app.delete(
    '/v1/projects/:ref/keys/:id',
    {
      config: { access: { door: 'project', scope: 'settings:write', role: 'admin' } },
      schema: {
        operationId: 'revokeKey',
        summary: 'Revoke a key at once',
        tags,
        params: Type.Object({ ref: Type.String(), id: idSchema }),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      await revokeKey(services, projects, projectRequest(request), request.params.id, request)
      return reply.code(204).send(null)
    },
  )
}

function presentKey(row: ApiKey): Static<typeof keySchema> {
  const { id, name, kind, display, scopes } = row
  return {
    id,
    name,
    kind,
    display,
    scopes,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  }
}
