import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { type InspectColor, stripVTControlCharacters, styleText } from 'node:util'
import { CliFault } from './fault.ts'

/** Colours only where a person looks: on a terminal, unless NO_COLOR is set. */
export function paint(colour: InspectColor, text: string): string {
  return styleText(colour, text, { stream: process.stdout })
}

/** Results, which scripts may read. */
export function print(text = ''): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** Columns as wide as what they hold; the first row names them. */
export function printTable([head = [], ...rows]: readonly (readonly string[])[]): void {
  const widths = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => stripVTControlCharacters(row[at] ?? '').length)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((text, at) => text + ' '.repeat((widths[at] ?? 0) - stripVTControlCharacters(text).length))
      .join('  ')
      .trimEnd()
  print(paint('dim', line(head)))
  for (const row of rows) print(line(row))
}

/** What goes along with the work, and is no result. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/** One line from the terminal; `hidden` shows nothing of it. */
export async function ask(question: string, options: { hidden?: boolean } = {}): Promise<string> {
  let isMuted = false
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!isMuted) process.stderr.write(chunk)
      done()
    },
  })
  const lines = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY })
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('SIGINT', () => reject(new CliFault('Stopped; nothing was changed.')))
      lines.once('close', () => reject(new CliFault('No answer; nothing was changed.')))
      lines.question(question, resolve)
      isMuted = options.hidden === true
    })
  } finally {
    // readline lets go of the input in a listener of its own.
    lines.close()
    if (isMuted) process.stderr.write('\n')
  }
}

/** Where nobody can answer, the answer has to be on the command line: `--yes`. */
export async function confirm(question: string): Promise<boolean> {
  if (!canAsk()) throw new CliFault(`${question} Nobody is here to say so: add --yes.`)
  return /^y(es)?$/i.test((await ask(`${question} [y/N] `)).trim())
}

/** All of the standard input, up to a megabyte. */
export async function readInput(): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes > 1_000_000) throw new CliFault('The standard input holds more than a megabyte.')
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString()
}

/** The first line of the standard input, for secrets that come through a pipe. */
export async function readFirstLine(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin) {
    text += String(chunk)
    if (text.includes('\n') || text.length > 10_000) break
  }
  return text.split(/\r?\n/, 1)[0] ?? ''
}
