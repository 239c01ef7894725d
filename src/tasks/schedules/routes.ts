import { Type } from 'typebox'
import type { TaskSchedule } from '../../platform/generated/client.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { closed, nextCursorSchema, noContentSchema } from '../../projects/schemas.ts'
import { scheduleNotFound } from '../errors.ts'
import { projectParams, tag } from '../route-parts.ts'
import { scheduleName } from '../schemas.ts'
import type { Tasks } from '../tasks.ts'
import { deleteSchedule, putSchedule } from './put-schedule.ts'
import { type Schedule, scheduleBody, scheduleSchema } from './schedule.ts'

const scheduleParams = Type.Object({ ref: projectParams.properties.ref, name: scheduleName })

export function registerScheduleRoutes(app: HttpServer, { services }: Tasks): void {
  app.get(
    '/v1/projects/:ref/tasks/schedules',
    {
      config: { access: { door: 'project', scope: 'tasks:read' } },
      schema: {
        operationId: 'listSchedules',
        summary: 'The schedules of the project, by name',
        tags: [tag],
        params: projectParams,
        querystring: Type.Object(
          {
            limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
            after: Type.Optional(scheduleName),
          },
          closed,
        ),
        response: {
          200: Type.Object({ schedules: Type.Array(scheduleSchema), nextCursor: nextCursorSchema }, closed),
        },
      },
    },
    async (request) => {
      const { limit, after } = request.query
      const rows = await services.control.taskSchedule.findMany({
        where: {
          projectId: projectRequest(request).project.id,
          ...(after !== undefined && { name: { gt: after } }),
        },
        orderBy: { name: 'asc' },
        take: limit + 1,
      })
      const shown = rows.slice(0, limit)
      const nextCursor = rows.length > limit ? (shown.at(-1)?.name ?? null) : null
      return { schedules: shown.map(presentSchedule), nextCursor }
    },
  )

  app.get(
    '/v1/projects/:ref/tasks/schedules/:name',
    {
      config: { access: { door: 'project', scope: 'tasks:read' } },
      schema: {
        operationId: 'getSchedule',
        summary: 'A schedule, with when it runs next',
        tags: [tag],
        params: scheduleParams,
        response: { 200: scheduleSchema },
      },
    },
    async (request) => {
      const { name } = request.params
      const where = { projectId_name: { projectId: projectRequest(request).project.id, name } }
      const row = await services.control.taskSchedule.findUnique({ where })
      if (row === null) throw scheduleNotFound(name)
      return presentSchedule(row)
    },
  )

  app.put(
    '/v1/projects/:ref/tasks/schedules/:name',
    {
      config: { access: { door: 'project', scope: 'tasks:write' } },
      schema: {
        operationId: 'putSchedule',
        summary: 'Make or change a schedule',
        tags: [tag],
        params: scheduleParams,
        body: scheduleBody,
        response: { 200: scheduleSchema },
      },
    },
    async (request) => {
      const { name } = request.params
      return presentSchedule(
        await putSchedule(services, projectRequest(request), name, request.body, request),
      )
    },
  )

  app.delete(
    '/v1/projects/:ref/tasks/schedules/:name',
    {
      config: { access: { door: 'project', scope: 'tasks:write' } },
      schema: {
        operationId: 'deleteSchedule',
        summary: 'Delete a schedule; what it has enqueued stays',
        tags: [tag],
        params: scheduleParams,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      await deleteSchedule(services, projectRequest(request), request.params.name, request)
      return reply.code(204).send(null)
    },
  )
}

function presentSchedule(row: TaskSchedule): Schedule {
  const { name, kind, cron, timeZone, isPaused } = row
  return {
    name,
    kind,
    cron,
    timeZone,
    task: row.task as Schedule['task'],
    catchUp: row.catchUp as Schedule['catchUp'],
    paused: isPaused,
    nextRunAt: isPaused ? null : row.nextRunAt.toISOString(),
    lastRunAt: row.lastRunAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}
