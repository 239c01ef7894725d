import type { ControlPlane } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import { type LogLevel, logLevels } from './function-logs.ts'

export interface LogQuery {
  limit: number
  /** This level and those above it. */
  level?: LogLevel
  search?: string
  invocation?: string
  /** ISO 8601. */
  since?: string
  /** The id of the last line that was read: what was written after it. */
  after?: string
  /** The id of the oldest line that was read: what was written before it. */
  before?: string
  /** Lines that were read already. */
  without?: readonly string[]
}

export interface PresentedLine {
  id: string
  function: string
  at: string
  level: string
  message: string
  fields: unknown
  stack: string | null
  invocationId: string
  deploymentId: string
}

/** The lines of a function, or of all (`name` undefined): with `after` those that follow, the oldest first; else the newest first. */
export async function listLogs(
  control: ControlPlane,
  project: Project,
  name: string | undefined,
  { limit, level, search, invocation, since, after, before, without = [] }: LogQuery,
): Promise<PresentedLine[]> {
  const rows = await control.functionLog.findMany({
    where: {
      projectId: project.id,
      ...(name !== undefined && { function: name }),
      ...(level !== undefined && { level: { in: logLevels.slice(logLevels.indexOf(level)) } }),
      ...(search !== undefined && { OR: [{ message: found(search) }, { fields: found(search) }] }),
      ...(invocation !== undefined && { invocationId: invocation }),
      ...(since !== undefined && { at: { gte: new Date(since) } }),
      id: {
        ...(after !== undefined && { gt: after }),
        ...(before !== undefined && { lt: before }),
        notIn: [...without],
      },
    },
    orderBy: { id: after === undefined ? 'desc' : 'asc' },
    take: limit,
  })
  return rows.map((row) => ({
    id: row.id,
    function: row.function,
    at: row.at.toISOString(),
    level: row.level,
    message: row.message,
    fields: readFields(row.fields),
    stack: row.stack,
    invocationId: row.invocationId,
    deploymentId: row.deploymentId,
  }))
}

function found(search: string): { contains: string; mode: 'insensitive' } {
  return { contains: search, mode: 'insensitive' }
}

const tailEveryMs = 500
const tailForMs = 600_000
// Nodes store their lines a while after they were written, so an older one may come after a newer one.
const lateMs = 5_000

/** New lines as they come, from every node, as NDJSON; ends after ten minutes, or when nobody listens. */
export async function* tailLogs(
  control: ControlPlane,
  project: Project,
  name: string | undefined,
  query: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const [newest] = await listLogs(control, project, name, { limit: 1 })
  const start = query.after ?? newest?.id ?? '0'
  let last = start
  const told = new Set<string>()
  const end = Date.now() + tailForMs
  // Headers go out with the first byte.
  yield '\n'
  while (!signal.aborted && Date.now() < end) {
    const again = firstIdOf(Date.now() - lateMs)
    const after = last < again ? last : start < again ? again : start
    for (const id of told) if (id <= after) told.delete(id)
    const lines = await listLogs(control, project, name, { ...query, after, without: [...told] })
    for (const line of lines) {
      if (line.id > last) last = line.id
      told.add(line.id)
      yield `${JSON.stringify(line)}\n`
    }
    if (lines.length < query.limit) await new Promise((resolve) => setTimeout(resolve, tailEveryMs))
  }
}

/** What stands before every id of that moment and later. */
function firstIdOf(milliseconds: number): string {
  const hex = milliseconds.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

/** They are cut where they are long, and then no JSON any more. */
function readFields(text: string | null): unknown {
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
