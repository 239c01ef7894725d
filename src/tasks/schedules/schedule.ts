import type { Static } from 'typebox'
import Type from 'typebox'
import { closed, timeSchema } from '../../projects/schemas.ts'
import { taskName, taskOptions } from '../schemas.ts'

/** What becomes of times that passed while no server ran: nothing, one run for all of them, or a run for each. */
const catchUps = ['skip', 'once', 'all'] as const

/** The task that a schedule enqueues. */
const scheduledTask = Type.Object({ name: taskName, ...taskOptions }, closed)

export type ScheduledTask = Static<typeof scheduledTask>

export const scheduleBody = Type.Object(
  {
    cron: Type.String({ minLength: 1, maxLength: 200, description: 'Five fields: `*/5 8-18 * * 1-5`' }),
    timeZone: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'Of the IANA database; default UTC' }),
    ),
    task: scheduledTask,
    catchUp: Type.Optional(
      Type.Enum([...catchUps], { description: 'For times that passed while no server ran; default skip' }),
    ),
    paused: Type.Optional(Type.Boolean()),
  },
  closed,
)

export type ScheduleBody = Static<typeof scheduleBody>

export const scheduleSchema = Type.Object(
  {
    name: Type.String(),
    kind: Type.String(),
    cron: Type.String(),
    timeZone: Type.String(),
    task: scheduledTask,
    catchUp: Type.Enum([...catchUps]),
    paused: Type.Boolean(),
    nextRunAt: Type.Union([timeSchema, Type.Null()]),
    lastRunAt: Type.Union([timeSchema, Type.Null()]),
    createdAt: timeSchema,
    updatedAt: timeSchema,
  },
  closed,
)

export type Schedule = Static<typeof scheduleSchema>
export type CatchUp = Schedule['catchUp']
