import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { closed, idSchema, timeSchema } from '../../projects/schemas.ts'
import type { Functions } from '../functions.ts'
import { base, functionParams, reads, refParams, tags } from '../schemas.ts'
import { logLevels } from './function-logs.ts'
import { listLogs, type LogQuery, tailLogs } from './list-logs.ts'
import { listUsage } from './list-usage.ts'

const querySchema = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 500, default: 100 }),
    level: Type.Optional(Type.Union(logLevels.map((level) => Type.Literal(level)))),
    search: Type.Optional(Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000\\p{Cs}]*$' })),
    invocation: Type.Optional(idSchema),
    since: Type.Optional(timeSchema),
    after: Type.Optional(idSchema),
    before: Type.Optional(idSchema),
    follow: Type.Optional(Type.Boolean()),
  },
  closed,
)

export function registerLogRoutes(app: HttpServer, functions: Functions): void {
  const { control } = functions.services

  app.get(
    `${base}/:name/logs`,
    {
      config: reads,
      schema: {
        operationId: 'listFunctionLogs',
        summary: 'Read what a function wrote; with follow, new lines as they come (NDJSON)',
        tags,
        params: functionParams,
        querystring: querySchema,
      },
    },
    (request, reply) => answer(request, reply, request.query, request.params.name),
  )

  app.get(
    `${base}/logs`,
    {
      config: reads,
      schema: {
        operationId: 'listLogs',
        summary: 'Read what all functions wrote; with follow, new lines as they come (NDJSON)',
        tags,
        params: refParams,
        querystring: querySchema,
      },
    },
    (request, reply) => answer(request, reply, request.query, undefined),
  )

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    { follow, ...query }: Static<typeof querySchema>,
    name: string | undefined,
  ): Promise<unknown> {
    const { project } = projectRequest(request)
    await functions.logs.flush()
    if (follow !== true) return { logs: await listLogs(control, project, name, query as LogQuery) }
    const gone = new AbortController()
    reply.raw.on('close', () => gone.abort())
    const lines = Readable.from(tailLogs(control, project, name, query as LogQuery, gone.signal))
    return reply.type('application/x-ndjson').send(lines)
  }

  app.get(
    `${base}/usage`,
    {
      config: reads,
      schema: {
        operationId: 'readFunctionUsage',
        summary: 'Calls, errors, durations, memory and GB-seconds by function',
        tags,
        params: refParams,
        querystring: Type.Object({ since: Type.Optional(timeSchema) }, closed),
      },
    },
    async (request) => {
      await functions.usage.flush()
      return listUsage(control, projectRequest(request).project, request.query.since)
    },
  )
}
