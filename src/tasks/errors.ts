import { ApiError, notFound } from '../platform/errors.ts'

/** Each is looked at whenever tasks are handed to the worker. `basalt.enqueue_tasks` knows the number too. */
export const maxQueues = 100

export function taskNotFound(id: string): ApiError {
  return notFound(`The task ${id}`)
}

export function scheduleNotFound(name: string): ApiError {
  return notFound(`The schedule ${name}`)
}

export function queueNotFound(name: string): ApiError {
  return notFound(`The queue ${name}`)
}

export function taskHasEnded(id: string): ApiError {
  return new ApiError('conflict', `The task ${id} has ended already.`)
}

export function taskNotRetryable(id: string): ApiError {
  return new ApiError(
    'conflict',
    `The task ${id} is neither dead nor cancelled, so there is nothing to retry.`,
  )
}

export function queueNotEmpty(name: string): ApiError {
  return new ApiError('conflict', `The queue ${name} has tasks that have not ended.`)
}

export function tooManyWaiting(limit: number): ApiError {
  return new ApiError(
    'quota_exceeded',
    `The project has ${limit} tasks that have not ended; try again later.`,
    {
      retryAfterSeconds: 60,
    },
  )
}

export function tooManySchedules(limit: number): ApiError {
  return new ApiError('quota_exceeded', `A project has at most ${limit} schedules.`)
}

export function idempotencyConflict(): ApiError {
  return new ApiError('conflict', 'This Idempotency-Key was used for a different request.')
}
