import { Type } from 'typebox'
import type { Static } from 'typebox'
import type { TaskQueue } from '../../platform/generated/client.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { closed, noContentSchema } from '../../projects/schemas.ts'
import { projectParams, tag } from '../route-parts.ts'
import { queueBody, queueName, queueSchema } from '../schemas.ts'
import type { Tasks } from '../tasks.ts'
import { deleteQueue, putQueue } from './put-queue.ts'

const queueParams = Type.Object({ ref: projectParams.properties.ref, name: queueName })

export function registerQueueRoutes(app: HttpServer, tasks: Tasks): void {
  app.get(
    '/v1/projects/:ref/tasks/queues',
    {
      config: { access: { door: 'project', scope: 'tasks:read' } },
      schema: {
        operationId: 'listTaskQueues',
        summary: 'The queues of the project: those that were used or set up; at most 100',
        tags: [tag],
        params: projectParams,
        response: { 200: Type.Object({ queues: Type.Array(queueSchema) }, closed) },
      },
    },
    async (request) => {
      const where = { projectId: projectRequest(request).project.id }
      const rows = await tasks.services.control.taskQueue.findMany({ where, orderBy: { name: 'asc' } })
      return { queues: rows.map(presentQueue) }
    },
  )

  app.put(
    '/v1/projects/:ref/tasks/queues/:name',
    {
      config: { access: { door: 'project', scope: 'tasks:write' } },
      schema: {
        operationId: 'putTaskQueue',
        summary: 'Say how many tasks of a queue run at once, or pause it',
        tags: [tag],
        params: queueParams,
        body: queueBody,
        response: { 200: queueSchema },
      },
    },
    async (request) =>
      presentQueue(
        await putQueue(tasks, projectRequest(request), request.params.name, request.body, request),
      ),
  )

  app.delete(
    '/v1/projects/:ref/tasks/queues/:name',
    {
      config: { access: { door: 'project', scope: 'tasks:write' } },
      schema: {
        operationId: 'deleteTaskQueue',
        summary: 'Forget a queue that has no tasks any more',
        tags: [tag],
        params: queueParams,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      await deleteQueue(tasks, projectRequest(request), request.params.name, request)
      return reply.code(204).send(null)
    },
  )
}

function presentQueue({ name, concurrency, isPaused }: TaskQueue): Static<typeof queueSchema> {
  return { name, concurrency, paused: isPaused }
}
