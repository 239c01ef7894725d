import type { Services } from '../../platform/services.ts'

interface UsageOfCall {
  projectId: string
  function: string
  milliseconds: number
  isError: boolean
  isCold: boolean
  /** The most that the process has had. */
  memoryBytes: number
}

/** Counts what functions do, by project, function and hour. */
export interface FunctionUsage {
  add(call: UsageOfCall): void
  addOutbound(projectId: string, name: string): void
  flush(): Promise<void>
  close(): Promise<void>
}

interface Sum {
  projectId: string
  function: string
  hour: Date
  calls: number
  errors: number
  coldStarts: number
  outbound: number
  milliseconds: number
  maxMilliseconds: number
  maxMemoryBytes: number
}

const flushEveryMs = 5_000

/** @param memoryBytes what a function may have: GB-seconds are counted by it, as the memory is kept free for it */
export function createFunctionUsage({ db, log }: Services, memoryBytes: number): FunctionUsage {
  let sums = new Map<string, Sum>()
  let flushing: Promise<void> = Promise.resolve()

  function sumOf(projectId: string, name: string): Sum {
    const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000)
    const key = `${projectId} ${name} ${hour.getTime()}`
    const empty = {
      calls: 0,
      errors: 0,
      coldStarts: 0,
      outbound: 0,
      milliseconds: 0,
      maxMilliseconds: 0,
      maxMemoryBytes: 0,
    }
    const sum = sums.get(key) ?? { projectId, function: name, hour, ...empty }
    sums.set(key, sum)
    return sum
  }

  async function store(): Promise<void> {
    const taken = [...sums.values()]
    sums = new Map()
    if (taken.length === 0) return
    await db
      .query(addUsageSql, [JSON.stringify(taken), memoryBytes / 1024 ** 3])
      .catch((error: unknown) => log.warn({ err: error }, 'could not count the use of functions'))
  }

  const flush = (): Promise<void> => (flushing = flushing.then(store))
  const timer = setInterval(() => void flush(), flushEveryMs).unref()
  return {
    add({ projectId, function: name, milliseconds, isError, isCold, memoryBytes: used }) {
      const sum = sumOf(projectId, name)
      sum.calls += 1
      if (isError) sum.errors += 1
      if (isCold) sum.coldStarts += 1
      sum.milliseconds += milliseconds
      sum.maxMilliseconds = Math.max(sum.maxMilliseconds, milliseconds)
      sum.maxMemoryBytes = Math.max(sum.maxMemoryBytes, used)
    },
    addOutbound(projectId, name) {
      sumOf(projectId, name).outbound += 1
    },
    flush,
    async close() {
      clearInterval(timer)
      await flush()
    },
  }
}

// Only of projects that are still there. Sorted, so that nodes lock the rows in one order.
const addUsageSql = `
  INSERT INTO basalt.function_usage AS usage (
    project_id, function, hour, calls, errors, cold_starts, outbound_requests,
    milliseconds, gigabyte_seconds, max_milliseconds, max_memory_bytes
  )
  SELECT
    new."projectId", new.function, new.hour, new.calls, new.errors, new."coldStarts", new.outbound,
    new.milliseconds, new.milliseconds / 1000 * $2::float8, new."maxMilliseconds", new."maxMemoryBytes"
  FROM jsonb_to_recordset($1::jsonb) AS new(
    "projectId" text, function text, hour timestamptz, calls bigint, errors bigint, "coldStarts" bigint,
    outbound bigint, milliseconds float8, "maxMilliseconds" float8, "maxMemoryBytes" bigint
  )
  JOIN basalt.projects ON projects.id = new."projectId"
  ORDER BY 1, 2, 3
  ON CONFLICT (project_id, function, hour) DO UPDATE SET
    calls = usage.calls + excluded.calls,
    errors = usage.errors + excluded.errors,
    cold_starts = usage.cold_starts + excluded.cold_starts,
    outbound_requests = usage.outbound_requests + excluded.outbound_requests,
    milliseconds = usage.milliseconds + excluded.milliseconds,
    gigabyte_seconds = usage.gigabyte_seconds + excluded.gigabyte_seconds,
    max_milliseconds = greatest(usage.max_milliseconds, excluded.max_milliseconds),
    max_memory_bytes = greatest(usage.max_memory_bytes, excluded.max_memory_bytes)
`
