import { setTimeout } from 'node:timers/promises'
import type { Target } from './environments.ts'
import { CliFault } from './fault.ts'
import { paint, print } from './terminal.ts'

/** One line that a function wrote. */
export interface LogLine {
  id: string
  function: string
  at: string
  level: 'debug' | 'info' | 'warn' | 'error'
  message: string
  fields: unknown
  /** With the places of the sources. */
  stack: string | null
  invocationId: string
}

/** Of one function, or of all. */
export function logPath({ project }: Target, name: string | undefined): string {
  return `/v1/projects/${project}/functions/${name === undefined ? '' : `${name}/`}logs`
}

/**
 * New lines after the given one, as they come. The server ends each tail after a while, and the next one goes on where
 * it ended.
 */
export async function* followLogs(
  target: Target,
  name: string | undefined,
  query: Record<string, string>,
  from: string,
  signal?: AbortSignal,
): AsyncGenerator<LogLine, void, undefined> {
  let after = from
  for (;;) {
    const lines = target.api.lines<LogLine>(
      logPath(target, name),
      { ...query, follow: 'true', after },
      signal,
    )
    for await (const line of lines) {
      after = line.id
      yield line
    }
  }
}

/** All new lines of a project on the terminal, until `signal` aborts; through times in which nothing answers. */
export async function printNewLogs(target: Target, signal: AbortSignal): Promise<void> {
  let after: string | undefined
  while (!signal.aborted) {
    try {
      after ??= await newest(target)
      for await (const line of followLogs(target, undefined, { limit: '500' }, after, signal)) {
        after = line.id
        print(formatLogLine(line))
      }
    } catch (error) {
      if (!(error instanceof CliFault) && !signal.aborted) throw error
      await setTimeout(1_000, undefined, { signal }).catch(() => undefined)
    }
  }
}

async function newest(target: Target): Promise<string> {
  const query = { limit: '1' }
  const { logs } = await target.api.call<{ logs: LogLine[] }>('GET', logPath(target, undefined), { query })
  return logs[0]?.id ?? beforeAll
}

/** What comes before all lines that there are. */
export const beforeAll = '0'

/** `12:03:11 quote warn  sold out {"product":"lamp"}`, and its stack below. */
export function formatLogLine({ at, function: name, level, message, fields, stack }: LogLine): string {
  const colours = { debug: 'dim', info: 'cyan', warn: 'yellow', error: 'red' } as const
  const time = new Date(at).toTimeString().slice(0, 8)
  const more = fields === null ? '' : ` ${paint('dim', JSON.stringify(fields))}`
  const below = stack === null ? '' : `\n${frames(message, stack)}`
  return `${paint('dim', time)} ${name} ${paint(colours[level], level.padEnd(5))} ${visible(message)}${more}${below}`
}

/** The stack begins with what the line says already. */
function frames(message: string, stack: string): string {
  const lines = stack.split('\n')
  const own = lines.findIndex((line) => /^\s+at /.test(line))
  const rest = own === -1 ? lines.filter((line) => !line.includes(message)) : lines.slice(own)
  return rest.map((line) => paint('dim', `    ${visible(line.trim())}`)).join('\n')
}

/** A function may write what it was sent: nothing of that may move the cursor or change colours here. */
function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (char) =>
    JSON.stringify(char).slice(1, -1),
  )
}
