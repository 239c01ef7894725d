import Type from 'typebox'
import type { HttpServer } from '../platform/http-server.ts'
import { projectRequest } from '../projects/access.ts'
import { closed, nextCursorSchema, pageQuerySchema } from '../projects/schemas.ts'
import { cancelTask } from './cancel-task.ts'
import { enqueueTask } from './enqueue-task.ts'
import { getTask, listTasks } from './list-tasks.ts'
import { presentDetail, presentSummary } from './present-task.ts'
import { registerQueueRoutes } from './queues/routes.ts'
import { retryTask } from './retry-task.ts'
import { projectParams, tag } from './route-parts.ts'
import { registerScheduleRoutes } from './schedules/routes.ts'
import {
  newTaskBody,
  queueName,
  scheduleName,
  taskDetail,
  taskName,
  taskSummary,
  taskCursor,
  taskId,
} from './schemas.ts'
import { shownStates } from './task.ts'
import type { Tasks } from './tasks.ts'

const taskParams = Type.Object({ ref: projectParams.properties.ref, id: taskId })
const tags = [tag]

/** Work in the background, for servers and operators. */
export function registerTasks(app: HttpServer, tasks: Tasks): void {
  const { db } = tasks.services
  registerScheduleRoutes(app, tasks)
  registerQueueRoutes(app, tasks)

  app.post(
    '/v1/projects/:ref/tasks',
    {
      config: { access: { door: 'project', scope: 'tasks:write' } },
      schema: {
        operationId: 'enqueueTask',
        summary: 'Run a function in the background, now or later',
        tags,
        params: projectParams,
        body: newTaskBody,
        response: { 202: Type.Object({ id: Type.String() }, closed) },
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key']
      const id = await enqueueTask(tasks, projectRequest(request), request.body, key)
      return reply.code(202).send({ id })
    },
  )

  app.get(
    '/v1/projects/:ref/tasks',
    {
      config: { access: { door: 'project', scope: 'tasks:read' } },
      schema: {
        operationId: 'listTasks',
        summary: 'The tasks of the project, the newest first, without payloads and results',
        tags,
        params: projectParams,
        querystring: Type.Object(
          {
            limit: pageQuerySchema.properties.limit,
            after: Type.Optional(taskCursor),
            state: Type.Optional(Type.Enum([...shownStates])),
            name: Type.Optional(taskName),
            queue: Type.Optional(queueName),
            schedule: Type.Optional(scheduleName),
            // `key` in an address is a key of the project (`read-credentials.ts`).
            taskKey: Type.Optional(newTaskBody.properties.key),
          },
          closed,
        ),
        response: {
          200: Type.Object({ tasks: Type.Array(taskSummary), nextCursor: nextCursorSchema }, closed),
        },
      },
    },
    async (request) => {
      const { limit, after, ...filter } = request.query
      const page = { limit, ...(after !== undefined && { after }) }
      const { rows, nextCursor } = await listTasks(db, projectRequest(request).project, filter, page)
      return { tasks: rows.map(presentSummary), nextCursor }
    },
  )

  app.get(
    '/v1/projects/:ref/tasks/:id',
    {
      config: { access: { door: 'project', scope: 'tasks:read' } },
      schema: {
        operationId: 'getTask',
        summary: 'A task, with payload, progress, result and the error of its last attempt',
        tags,
        params: taskParams,
        response: { 200: taskDetail },
      },
    },
    async (request) => presentDetail(await getTask(db, projectRequest(request).project, request.params.id)),
  )

  app.post(
    '/v1/projects/:ref/tasks/:id/cancel',
    {
      config: { access: { door: 'project', scope: 'tasks:write' } },
      schema: {
        operationId: 'cancelTask',
        summary: 'Cancel a task; if it runs, it is told to end',
        tags,
        params: taskParams,
        response: { 200: taskDetail },
      },
    },
    async (request) =>
      presentDetail(await cancelTask(tasks, projectRequest(request), request.params.id, request)),
  )

  app.post(
    '/v1/projects/:ref/tasks/:id/retry',
    {
      config: { access: { door: 'project', scope: 'tasks:write' } },
      schema: {
        operationId: 'retryTask',
        summary: 'Begin a dead or cancelled task anew',
        tags,
        params: taskParams,
        response: { 200: taskDetail },
      },
    },
    async (request) =>
      presentDetail(await retryTask(tasks, projectRequest(request), request.params.id, request)),
  )
}
