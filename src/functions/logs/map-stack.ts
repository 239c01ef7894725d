import { SourceMap, type SourceMapPayload, type SourceMapping } from 'node:module'
import type { Bundle } from '../deployments/bundle-functions.ts'

const maxFrames = 20
const ownFrame = /basalt-(runtime|main)\.js/
const frame = /^(.*?\(?)([\w@./-]+\.js):(\d+):(\d+)\)?$/

/** A stack with the places of the sources, without the frames of what stands round the function. */
export function mapStack(stack: string, { maps }: Bundle): string {
  const opened = new Map<string, SourceMap | null>()
  const mapOf = (module: string): SourceMap | null => {
    const known = opened.get(module)
    if (known !== undefined) return known
    const made = open(maps[module])
    opened.set(module, made)
    return made
  }
  return stack
    .split('\n')
    .filter((line) => !ownFrame.test(line))
    .slice(0, maxFrames)
    .map((line) => mapLine(line, mapOf))
    .join('\n')
}

function mapLine(line: string, mapOf: (module: string) => SourceMap | null): string {
  const [, before = '', module = '', row = '', column = ''] = frame.exec(line) ?? []
  const found = module === '' ? undefined : mapOf(module)?.findEntry(Number(row) - 1, Number(column) - 1)
  if (found === undefined || !isMapping(found)) return line
  const source = found.originalSource.replace(/^.*?(?:upload|client):\/?/, '').replace(/^(\.\.\/)+/, '')
  const place = `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`
  return `${before}${place}${line.endsWith(')') ? ')' : ''}`
}

function isMapping(found: object): found is SourceMapping {
  return 'originalLine' in found
}

function open(text: string | undefined): SourceMap | null {
  if (text === undefined) return null
  try {
    const payload: SourceMapPayload = JSON.parse(text)
    return new SourceMap(payload)
  } catch {
    return null
  }
}
