import type { Readable } from 'node:stream'
import { ApiError } from './errors.ts'
import { readLines } from './read-lines.ts'

/** A line that was not stored, and why. Lines count from 1. */
interface ImportFault {
  line: number
  code: string
  message: string
}

export interface ImportSummary {
  imported: number
  failed: number
  /** The first hundred. */
  errors: ImportFault[]
}

/** What may be in memory and under way at once: the stream is read no faster than its lines are stored. */
export interface ImportBounds {
  /** A longer line comes without its text. */
  lineCharacters: number
  linesUnderWay: number
  charactersUnderWay: number
}

const maxErrors = 100

/**
 * Stores a stream of lines, in no particular order and each for itself: a faulty one is reported and the others go on.
 * Throws what is not a line's fault, once the lines that are under way are done.
 */
export async function importLines(
  lines: Readable,
  bounds: ImportBounds,
  store: (text: string | undefined) => Promise<unknown>,
): Promise<ImportSummary> {
  const summary: ImportSummary = { imported: 0, failed: 0, errors: [] }
  const underWay = new Set<Promise<void>>()
  let oneIsDone = (): void => {}
  let charactersUnderWay = 0
  let failure: Error | undefined
  const storeLine = async (line: number, text: string | undefined): Promise<void> => {
    try {
      await store(text)
      summary.imported += 1
    } catch (error) {
      if (!(error instanceof ApiError) || error.status >= 500) {
        failure ??= error instanceof Error ? error : new Error(String(error))
        return
      }
      summary.failed += 1
      if (summary.errors.length < maxErrors)
        summary.errors.push({ line, code: error.code, message: error.message })
    }
  }
  // A request that is destroyed half read takes its connection down before the answer is sent.
  const chunks = lines.iterator({ destroyOnReturn: false })
  for await (const { line, text } of readLines(chunks, bounds.lineCharacters)) {
    const size = text?.length ?? 0
    charactersUnderWay += size
    const stored = storeLine(line, text).finally(() => {
      charactersUnderWay -= size
      underWay.delete(stored)
      oneIsDone()
    })
    underWay.add(stored)
    while (underWay.size >= bounds.linesUnderWay || charactersUnderWay > bounds.charactersUnderWay)
      await new Promise<void>((resolve) => (oneIsDone = resolve))
    if (failure !== undefined) break
  }
  await Promise.all(underWay)
  if (failure !== undefined) throw failure
  summary.errors.sort((a, b) => a.line - b.line)
  return summary
}
