import type { Prisma } from '../../platform/generated/client.ts'
import { newId } from '../../platform/ids.ts'
import type { Services } from '../../platform/services.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LogLine {
  projectId: string
  function: string
  invocationId: string
  deploymentId: string
  level: LogLevel
  message: string
  /** JSON. */
  fields?: string | undefined
  stack?: string | undefined
}

/** Keeps what functions write. A project that writes too much loses lines, and is told so; nobody else does. */
export interface FunctionLogs {
  write(line: LogLine): void
  /** Stores what is not stored yet. */
  flush(): Promise<void>
  close(): Promise<void>
}

const flushEveryMs = 250
const maxPending = 5_000
const linesPerSecond = 100
const burst = 2_000
const maxTextLength = 8 * 1024
const budgetsKept = 10_000

export function createFunctionLogs({ control, log }: Services): FunctionLogs {
  let pending: Prisma.FunctionLogCreateManyInput[] = []
  let flushing: Promise<void> = Promise.resolve()
  const nextId = idsInOrder()
  const budgets = new Map<string, { left: number; at: number; dropped: number }>()

  function write(line: LogLine): void {
    const budget = budgetOf(line.projectId)
    if (budget.left < 1 || pending.length >= maxPending) {
      budget.dropped += 1
      return
    }
    budget.left -= 1
    if (budget.dropped > 0) {
      const message = `${budget.dropped} lines were dropped: too many at once`
      budget.dropped = 0
      push({ ...line, level: 'warn', message, fields: undefined, stack: undefined })
    }
    push(line)
  }

  function push({ message, fields, stack, ...line }: LogLine): void {
    pending.push({
      id: nextId(),
      ...line,
      message: storable(message),
      fields: fields === undefined ? null : storable(fields),
      stack: stack === undefined ? null : storable(stack),
      at: new Date(),
    })
  }

  function budgetOf(projectId: string): { left: number; at: number; dropped: number } {
    const now = Date.now()
    const budget = budgets.get(projectId) ?? { left: burst, at: now, dropped: 0 }
    budget.left = Math.min(burst, budget.left + ((now - budget.at) / 1000) * linesPerSecond)
    budget.at = now
    if (budgets.size >= budgetsKept) budgets.clear()
    budgets.set(projectId, budget)
    return budget
  }

  async function store(): Promise<void> {
    const lines = pending
    pending = []
    if (lines.length === 0) return
    try {
      await control.functionLog.createMany({ data: lines })
    } catch (error) {
      // A project may be gone by now: its lines must not take the others' with them.
      const projects = new Set(lines.map(({ projectId }) => projectId))
      if (projects.size === 1) log.warn({ err: error }, 'could not store lines of functions')
      else for (const id of projects) await storeOf(id, lines)
    }
  }

  async function storeOf(projectId: string, lines: Prisma.FunctionLogCreateManyInput[]): Promise<void> {
    await control.functionLog
      .createMany({ data: lines.filter((line) => line.projectId === projectId) })
      .catch((error: unknown) => log.warn({ err: error }, 'could not store lines of functions'))
  }

  const flush = (): Promise<void> => (flushing = flushing.then(store))
  const timer = setInterval(() => void flush(), flushEveryMs).unref()
  return {
    write,
    flush,
    async close() {
      clearInterval(timer)
      await flush()
    },
  }
}

/** Ids in the order in which they are asked for: many lines are written in one millisecond. */
function idsInOrder(): () => string {
  let at = 0
  let count = 0
  return () => {
    const now = Date.now()
    if (now > at) {
      at = now
      count = 0
    } else if (++count > 0xfff) {
      at += 1
      count = 0
    }
    const id = newId(at)
    // The twelve bits behind the version count instead of being random (RFC 9562, section 6.2).
    return `${id.slice(0, 15)}${count.toString(16).padStart(3, '0')}${id.slice(18)}`
  }
}

/** PostgreSQL stores neither zero bytes nor halves of surrogate pairs. */
function storable(text: string): string {
  return text.slice(0, maxTextLength).replaceAll('\0', '').toWellFormed()
}
