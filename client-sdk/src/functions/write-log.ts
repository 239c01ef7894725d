import type { FunctionLog } from './definition.ts'

/** The part of `AsyncLocalStorage` that is used: this package knows no Node types. */
export interface Storage<T> {
  getStore(): T | undefined
  run<R>(value: T, work: () => R): R
}

/** One call, as far as its log lines go. */
export interface LogScope {
  readonly invocation: string
  lines: number
  characters: number
}

const levels = ['debug', 'info', 'warn', 'error'] as const
type Level = (typeof levels)[number]

const maxLines = 1_000
const maxCharacters = 256 * 1024
const maxLineCharacters = 8 * 1024

// Set apart from what else the process writes; inside JSON it is escaped, so no text can pretend to be a line.
const mark = '\u001e'

/** Sends `console` to the function's logs, each line with the call that it belongs to. */
export function captureConsole(storage: Storage<LogScope>): FunctionLog {
  const out = console.log.bind(console)

  function emit(level: Level, message: string, fields?: unknown, stack?: string): void {
    const scope = storage.getStore()
    if (scope !== undefined) {
      scope.lines += 1
      if (scope.lines > maxLines || scope.characters > maxCharacters) {
        if (scope.lines === maxLines + 1)
          out(mark + JSON.stringify({ i: scope.invocation, l: 'warn', m: 'more lines were dropped' }))
        return
      }
    }
    const line = {
      i: scope?.invocation,
      l: level,
      m: message.slice(0, maxLineCharacters),
      f: boundedJson(fields),
      s: stack?.slice(0, maxLineCharacters),
    }
    const text = JSON.stringify(line)
    if (scope !== undefined) scope.characters += text.length
    out(mark + text)
  }

  for (const [method, level] of [...levels.map((name) => [name, name] as const), ['log', 'info'] as const]) {
    console[method] = (...values: unknown[]) => {
      const error = values.find((value) => value instanceof Error)
      emit(level, values.map(show).join(' '), undefined, error?.stack)
    }
  }
  const line = (level: Level) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
    emit(level, show(message), fields)
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}

function show(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return boundedJson(value) ?? String(value)
}

function boundedJson(value: unknown): string | undefined {
  if (value === undefined) return undefined
  try {
    const plain = (_key: string, inner: unknown): unknown => (typeof inner === 'bigint' ? `${inner}n` : inner)
    return JSON.stringify(value, plain)?.slice(0, maxLineCharacters)
  } catch {
    return '[not JSON]'
  }
}
