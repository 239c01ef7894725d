import type { Static } from 'typebox'
import Type from 'typebox'
import { closed, timeSchema } from '../projects/schemas.ts'
import { shownStates } from './task.ts'

// Control characters and halves of surrogate pairs: PostgreSQL stores neither in text.
const storable = '^[^\\p{Cc}\\p{Cs}]*$'

export const taskName = Type.String({
  pattern: '^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$',
  description: 'The function to run',
})

/** Hooks name theirs by change and function: `12.after-order`. */
export const taskId = Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,200}$' })

/** Where a page of tasks begins: milliseconds since 1970, and an id. */
export const taskCursor = Type.String({ pattern: '^[0-9]{1,14}~[A-Za-z0-9_.:-]{1,200}$' })

export const queueName = Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$' })

export const scheduleName = Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$' })

const keyText = Type.String({ minLength: 1, maxLength: 255, pattern: storable })

/** What of a task can be said alike when it is enqueued and by a schedule. */
export const taskOptions = {
  payload: Type.Optional(Type.Unknown({ description: 'JSON for the function, up to 256 KiB' })),
  queue: Type.Optional(queueName),
  priority: Type.Optional(
    Type.Integer({ minimum: -100, maximum: 100, description: 'The higher the sooner, within the project' }),
  ),
  maxAttempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Default 10' })),
  timeout: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 21_600, description: 'Seconds for one attempt; default 300' }),
  ),
}

export const newTaskBody = Type.Object(
  {
    name: taskName,
    ...taskOptions,
    runAt: Type.Optional(timeSchema),
    delay: Type.Optional(
      Type.Number({ minimum: 0, maximum: 157_680_000, description: 'Seconds from now; instead of runAt' }),
    ),
    key: Type.Optional(keyText),
    onKeyConflict: Type.Optional(Type.Enum(['keep', 'replace'])),
  },
  closed,
)

export type NewTaskBody = Static<typeof newTaskBody>

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])

const summaryProperties = {
  id: Type.String(),
  name: Type.String(),
  kind: Type.String({ description: '`function` for what came through the API' }),
  state: Type.Enum([...shownStates]),
  queue: Type.String(),
  priority: Type.Integer(),
  key: nullable(Type.String()),
  attempt: Type.Integer({ description: 'The attempt that runs or was the last; 0 before the first' }),
  maxAttempts: Type.Integer(),
  timeout: Type.Number({ description: 'Seconds' }),
  progress: Type.Unknown(),
  error: nullable(
    Type.Object(
      { code: Type.String(), message: Type.String(), at: timeSchema },
      { ...closed, description: 'Of the last attempt that failed' },
    ),
  ),
  schedule: nullable(Type.Object({ name: Type.String(), at: timeSchema }, closed)),
  cancelRequested: Type.Boolean(),
  createdAt: timeSchema,
  runAt: timeSchema,
  startedAt: nullable(timeSchema),
  finishedAt: nullable(timeSchema),
}

/** In lists; one task alone shows its payload and result too. */
export const taskSummary = Type.Object(summaryProperties, closed)

export const taskDetail = Type.Object(
  { ...summaryProperties, payload: Type.Unknown(), result: Type.Unknown() },
  closed,
)

export type TaskSummary = Static<typeof taskSummary>
export type TaskDetail = Static<typeof taskDetail>

export const queueSchema = Type.Object(
  { name: Type.String(), concurrency: nullable(Type.Integer()), paused: Type.Boolean() },
  closed,
)

export const queueBody = Type.Object(
  {
    concurrency: Type.Optional(nullable(Type.Integer({ minimum: 1, maximum: 1000 }))),
    paused: Type.Optional(Type.Boolean()),
  },
  closed,
)
