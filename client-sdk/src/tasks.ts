import type { Transport } from './transport.ts'

interface CallOptions {
  readonly signal?: AbortSignal
}

export type TaskState = 'scheduled' | 'waiting' | 'running' | 'succeeded' | 'dead' | 'cancelled'

/** What of a task can be said alike when it is enqueued and by a schedule. */
export interface TaskSettings {
  /** A queue comes into being with its first task. Default: `default`. */
  readonly queue?: string
  /** −100 to 100: the higher the sooner, within the project. Default 0. */
  readonly priority?: number
  /** 1 to 100. Default 10. */
  readonly maxAttempts?: number
  /** Seconds that one attempt may take. Default 300. */
  readonly timeout?: number
}

export interface EnqueueOptions extends TaskSettings, CallOptions {
  /** When it may start. */
  readonly runAt?: Date | string
  /** Seconds until it may start, instead of `runAt`. */
  readonly delay?: number
  /** While a task with this key has not started, no other with it is made. */
  readonly key?: string
  /** What becomes of the task that waits with this key: it stays as it is, or takes on what this one says. */
  readonly onKeyConflict?: 'keep' | 'replace'
}

export interface TaskSummary {
  id: string
  name: string
  /** `function` for what came through the API. */
  kind: string
  state: TaskState
  queue: string
  priority: number
  key: string | null
  /** The attempt that runs or was the last; 0 before the first. */
  attempt: number
  maxAttempts: number
  timeout: number
  /** What the task has said of how far it is. */
  progress: unknown
  /** Of the last attempt that failed. */
  error: { code: string; message: string; at: string } | null
  /** The schedule that asked for it, and for when. */
  schedule: { name: string; at: string } | null
  cancelRequested: boolean
  /** Times are ISO 8601, UTC. */
  createdAt: string
  runAt: string
  startedAt: string | null
  finishedAt: string | null
}

export interface Task<Payload = unknown, Result = unknown> extends TaskSummary {
  payload: Payload
  /** What the function returned; null before. */
  result: Result | null
}

export interface TaskListOptions extends CallOptions {
  readonly state?: TaskState
  readonly name?: string
  readonly queue?: string
  readonly schedule?: string
  readonly key?: string
  /** Tasks a request. */
  readonly limit?: number
}

export interface ScheduleDefinition {
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string
  /** Of the IANA database, such as `Europe/Berlin`. Default: `UTC`. */
  readonly timeZone?: string
  /** What is enqueued each time. */
  readonly task: TaskSettings & { readonly name: string; readonly payload?: unknown }
  /** For times that passed while no server ran: nothing, one task for all of them, one for each. Default: `skip`. */
  readonly catchUp?: 'skip' | 'once' | 'all'
  readonly paused?: boolean
}

export interface Schedule extends Required<ScheduleDefinition> {
  readonly name: string
  readonly kind: string
  /** Null while it is paused. */
  readonly nextRunAt: string | null
  readonly lastRunAt: string | null
  readonly createdAt: string
  readonly updatedAt: string
}

export interface SchedulesClient {
  /** All of them, by name, a page at a time. */
  list(options?: CallOptions): AsyncGenerator<Schedule, void, undefined>
  get(name: string, options?: CallOptions): Promise<Schedule>
  /** Makes or changes it. */
  put(name: string, schedule: ScheduleDefinition, options?: CallOptions): Promise<Schedule>
  /** What it has enqueued stays. */
  delete(name: string, options?: CallOptions): Promise<void>
}

export interface TaskQueue {
  readonly name: string
  /** How many of its tasks run at once; null: as many as the project's may. */
  readonly concurrency: number | null
  readonly paused: boolean
}

export interface TaskQueuesClient {
  list(options?: CallOptions): Promise<TaskQueue[]>
  put(name: string, queue: Partial<Omit<TaskQueue, 'name'>>, options?: CallOptions): Promise<TaskQueue>
  /** Fails with `conflict` while it has tasks that have not ended. */
  delete(name: string, options?: CallOptions): Promise<void>
}

/** Work in the background, by functions of the project. For secret keys. */
export interface TasksClient {
  /**
   * Runs a function in the background: at least once, with the same id on each attempt. Resolves when the server has
   * stored the task.
   *
   * @example
   * const { id } = await basalt.tasks.enqueue('send-report', { to: 'ada' }, { delay: 60, key: 'report-ada' })
   */
  enqueue(name: string, payload?: unknown, options?: EnqueueOptions): Promise<{ id: string }>
  get<Payload = unknown, Result = unknown>(id: string, options?: CallOptions): Promise<Task<Payload, Result>>
  /** The newest first, a page at a time, without payloads and results. */
  list(options?: TaskListOptions): AsyncGenerator<TaskSummary, void, undefined>
  /** At once if it has not started; else its function is told to end. Fails with `conflict` when it has ended. */
  cancel(id: string, options?: CallOptions): Promise<Task>
  /** Begins a task anew that is dead or cancelled. */
  retry(id: string, options?: CallOptions): Promise<Task>
  readonly schedules: SchedulesClient
  readonly queues: TaskQueuesClient
}

export function createTasksClient(transport: Transport): TasksClient {
  const at = (...segments: string[]) => ['/tasks', ...segments.map(encodeURIComponent)].join('/')
  const send = <T>(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    { signal }: CallOptions = {},
    body?: unknown,
  ): Promise<T> => transport.json({ method, path, body, signal })
  const remove = (path: string, { signal }: CallOptions = {}) =>
    transport.empty({ method: 'DELETE', path, signal })

  async function* pages<T>(
    path: string,
    field: string,
    options: Omit<TaskListOptions, 'key'> & { readonly taskKey?: string },
  ): AsyncGenerator<T, void, undefined> {
    const { signal, limit, ...filter } = options
    for (let after: string | undefined; ;) {
      const query = { ...filter, limit: limit?.toString(), after }
      type Answer = Record<string, T[]> & { nextCursor: string | null }
      const page = await transport.json<Answer>({ method: 'GET', path, query, signal })
      yield* page[field] ?? []
      if (page.nextCursor === null) return
      after = page.nextCursor
    }
  }

  return {
    enqueue: (name, payload, { signal, ...options } = {}) =>
      transport.json({ method: 'POST', path: at(), body: { name, payload, ...options }, signal }),
    get: (id, options) => send('GET', at(id), options),
    list: ({ key, ...options } = {}) =>
      pages(at(), 'tasks', { ...options, ...(key !== undefined && { taskKey: key }) }),
    cancel: (id, options) => send('POST', at(id, 'cancel'), options),
    retry: (id, options) => send('POST', at(id, 'retry'), options),
    schedules: {
      list: (options = {}) => pages(at('schedules'), 'schedules', options),
      get: (name, options) => send('GET', at('schedules', name), options),
      put: (name, schedule, options) => send('PUT', at('schedules', name), options, schedule),
      delete: (name, options) => remove(at('schedules', name), options),
    },
    queues: {
      list: async (options) => (await send<{ queues: TaskQueue[] }>('GET', at('queues'), options)).queues,
      put: (name, queue, options) => send('PUT', at('queues', name), options, queue),
      delete: (name, options) => remove(at('queues', name), options),
    },
  }
}
