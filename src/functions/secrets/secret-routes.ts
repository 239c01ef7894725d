import Type from 'typebox'
import { notFound } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { closed, noContentSchema, timeSchema } from '../../projects/schemas.ts'
import type { Functions } from '../functions.ts'
import { base, reads, refParams, tags, writes } from '../schemas.ts'
import { deleteSecret, putSecret } from './secrets.ts'

const params = Type.Object({
  ref: Type.String({ maxLength: 64 }),
  name: Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,63}$' }),
})
/** Its value never comes back. */
const secretSchema = Type.Object({ name: Type.String(), updatedAt: timeSchema }, closed)

export function registerSecretRoutes(app: HttpServer, functions: Functions): void {
  const { control } = functions.services

  app.get(
    `${base}/secrets`,
    {
      config: reads,
      schema: {
        operationId: 'listSecrets',
        summary: 'List the names of the secrets',
        tags,
        params: refParams,
        response: { 200: Type.Object({ secrets: Type.Array(secretSchema) }, closed) },
      },
    },
    async (request) => {
      const { project } = projectRequest(request)
      const rows = await control.functionSecret.findMany({
        where: { projectId: project.id },
        orderBy: { name: 'asc' },
        omit: { sealed: true },
      })
      return { secrets: rows.map(({ name, updatedAt }) => ({ name, updatedAt: updatedAt.toISOString() })) }
    },
  )

  app.get(
    `${base}/secrets/:name`,
    {
      config: reads,
      schema: {
        operationId: 'getSecret',
        summary: 'Read when a secret was set; its value never comes back',
        tags,
        params,
        response: { 200: secretSchema },
      },
    },
    async (request) => {
      const { project } = projectRequest(request)
      const { name } = request.params
      const row = await control.functionSecret.findUnique({
        where: { projectId_name: { projectId: project.id, name } },
        omit: { sealed: true },
      })
      if (row === null) throw notFound('The secret')
      return { name, updatedAt: row.updatedAt.toISOString() }
    },
  )

  app.put(
    `${base}/secrets/:name`,
    {
      config: writes,
      schema: {
        operationId: 'putSecret',
        summary: 'Set a secret; functions see it with their next call',
        tags,
        params,
        body: Type.Object(
          { value: Type.String({ maxLength: 32 * 1024, pattern: '^[^\\u0000\\p{Cs}]*$' }) },
          closed,
        ),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { project, actor } = projectRequest(request)
      await putSecret(functions, { project, actor, name: request.params.name, request }, request.body.value)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    `${base}/secrets/:name`,
    {
      config: writes,
      schema: {
        operationId: 'deleteSecret',
        summary: 'Delete a secret',
        tags,
        params,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { project, actor } = projectRequest(request)
      const { name } = request.params
      if (!(await deleteSecret(functions, { project, actor, name, request }))) throw notFound('The secret')
      return reply.code(204).send(null)
    },
  )
}
