/** Where something stands in a folder's files. Line and column count from 1. */
export interface Place {
  file: string
  line: number
  column: number
}

interface Sought {
  /** What it belongs to, from the outside in: `['posts', 'read']`. */
  keys: readonly string[]
  /** The text of a rule. */
  value?: string | undefined
  /** Where in this text. */
  offset?: number | undefined
}

/**
 * Finds in the sources what the server complains of. The server saw values, not files, so this is a search: for the
 * text of a rule after the name of its collection, then for that text anywhere, then for the name alone.
 */
export function findPlace(
  sources: ReadonlyMap<string, string>,
  { keys, value, offset = 0 }: Sought,
): Place | undefined {
  const attempts: ((text: string) => number)[] = [
    ...(value === undefined
      ? []
      : [
          (text: string) => findLiteral(text, afterKeys(text, keys), value, offset),
          (text: string) => findLiteral(text, afterKeys(text, keys.slice(0, 1)), value, offset),
          (text: string) => findLiteral(text, 0, value, offset),
        ]),
    (text) => startOfKeys(text, keys),
    (text) => startOfKeys(text, keys.slice(0, 1)),
  ]
  for (const attempt of attempts) {
    for (const [file, text] of sources) {
      const at = attempt(text)
      if (at !== -1) return toPlace(file, text, at)
    }
  }
  return undefined
}

/** The literal with this value, written in any of the quotes. -1 where there is none, or nothing to look after. */
function findLiteral(text: string, from: number, value: string, offset: number): number {
  if (from === -1) return -1
  for (const quote of ["'", '"', '`']) {
    const written = value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`)
    const at = text.indexOf(quote + written + quote, from)
    if (at !== -1) return at + 1 + (written === value ? offset : 0)
  }
  return -1
}

function afterKeys(text: string, keys: readonly string[]): number {
  return keys.reduce((from, key) => (from === -1 ? -1 : findKey(text, from, key).end), 0)
}

function startOfKeys(text: string, keys: readonly string[]): number {
  const parents = afterKeys(text, keys.slice(0, -1))
  return parents === -1 ? -1 : findKey(text, parents, keys.at(-1) ?? '').start
}

/** `posts:`, `'posts':` or `posts = `. */
function findKey(text: string, from: number, key: string): { start: number; end: number } {
  const pattern = new RegExp(`(?<![\\w$.])(['"]?)${RegExp.escape(key)}\\1\\s*[:=](?!=)`, 'g')
  pattern.lastIndex = from
  const found = pattern.exec(text)
  return found === null ? { start: -1, end: -1 } : { start: found.index, end: found.index + found[0].length }
}

function toPlace(file: string, text: string, at: number): Place {
  const before = text.slice(0, at)
  const lineStart = before.lastIndexOf('\n') + 1
  return { file, line: before.split('\n').length, column: at - lineStart + 1 }
}

/** The offset that `2:7: …`, how a message about a rule begins, means in its text. */
export function offsetOf(message: string, value: string): { offset: number; text: string } {
  const found = /^(\d+):(\d+): /.exec(message)
  if (found === null) return { offset: 0, text: message }
  const lines = value.split('\n').slice(0, Number(found[1]) - 1)
  const offset = lines.reduce((sum, line) => sum + line.length + 1, 0) + Number(found[2]) - 1
  return { offset, text: message.slice(found[0].length) }
}
