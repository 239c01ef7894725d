import type { Readable } from 'node:stream'
import type { LogLevel } from './function-logs.ts'
import { logLevels } from './function-logs.ts'

/** A line as the wrapper round a function writes it. */
export interface OutputLine {
  invocation: string
  level: LogLevel
  message: string
  fields?: string
  stack?: string
}

const mark = '\u001e'
const maxLineBytes = 64 * 1024
// More than the wrapper lets through: what is beyond it is not worth being parsed.
const bytesPerSecond = 4 * 1024 * 1024

/**
 * Reads what a process of functions writes. A function may have found a way to write there itself: whatever isn't a
 * line of the wrapper is dropped, and so is what comes faster than it can be of use.
 */
export function readOutput(output: Readable, heard: (line: OutputLine) => void): void {
  let rest = ''
  let second = 0
  let bytes = 0
  output.setEncoding('utf8')
  output.on('error', () => undefined)
  output.on('data', (chunk: string) => {
    const now = Math.floor(Date.now() / 1000)
    bytes = (now === second ? bytes : 0) + chunk.length
    second = now
    if (bytes > bytesPerSecond) return
    const lines = (rest + chunk).split('\n')
    rest = (lines.pop() ?? '').slice(-maxLineBytes)
    for (const line of lines) {
      const parsed = line.startsWith(mark) ? parseLine(line.slice(1)) : undefined
      if (parsed !== undefined) heard(parsed)
    }
  })
}

function parseLine(text: string): OutputLine | undefined {
  try {
    const { i, l, m, f, s }: Record<string, unknown> = JSON.parse(text)
    const level = logLevels.find((one) => one === l)
    if (typeof i !== 'string' || typeof m !== 'string' || level === undefined) return undefined
    return {
      invocation: i,
      level,
      message: m,
      ...(typeof f === 'string' && { fields: f }),
      ...(typeof s === 'string' && { stack: s }),
    }
  } catch {
    return undefined
  }
}
