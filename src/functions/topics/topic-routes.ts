import Type from 'typebox'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { closed } from '../../projects/schemas.ts'
import type { Json } from '../../query/json.ts'
import type { Functions } from '../functions.ts'
import { tags } from '../schemas.ts'
import { publishMessage } from './publish-message.ts'
import { topicPattern } from './subscribers.ts'

export function registerTopicRoutes(app: HttpServer, functions: Functions): void {
  app.post(
    '/v1/projects/:ref/topics/:topic/messages',
    {
      // A message is a task for each function that hears of it.
      config: { access: { door: 'project', scope: 'tasks:write' } },
      schema: {
        operationId: 'publishMessage',
        summary: 'Publish a message: each function that subscribes to the topic hears of it, at least once',
        tags,
        params: Type.Object({
          ref: Type.String({ maxLength: 64 }),
          topic: Type.String({ pattern: topicPattern, maxLength: 100 }),
        }),
        body: Type.Object({ data: Type.Optional(Type.Unknown()) }, closed),
        response: { 202: Type.Object({ id: Type.String(), subscribers: Type.Integer() }, closed) },
      },
    },
    async (request, reply) => {
      const message = { topic: request.params.topic, data: (request.body.data ?? null) as Json }
      const key = request.headers['idempotency-key']
      return reply.code(202).send(await publishMessage(functions, projectRequest(request), message, key))
    },
  )
}
