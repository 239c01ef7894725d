import type { Readable } from 'node:stream'
import { ApiError } from '../../platform/errors.ts'
import { type Line, readLines } from '../../platform/read-lines.ts'
import { isJsonObject, type JsonObject } from '../../query/json.ts'
import type { Caller } from '../caller.ts'
import type { Documents } from '../documents.ts'
import { documentTooLarge } from '../errors.ts'
import { createDocument } from './create-document.ts'
import { checkId } from './plan-write.ts'
import { replaceDocument } from './replace-document.ts'
import { withoutSystemFields } from './check-data.ts'

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

// As many as one transaction of the committer takes, and as many again that wait for it.
const maxUnderWay = 512
const maxCharactersUnderWay = 8 * 1024 * 1024
const maxErrors = 100
const roomForSystemFields = 4096

/**
 * Stores documents from NDJSON, a line each, in no particular order and each for itself: a faulty line is reported and
 * the others go on. Lines are read no faster than they are stored. What an export wrote can be imported: the id is
 * kept, and the other system fields are made anew.
 *
 * @param onConflict what happens to a line whose id is taken: reported as an error, or stored in its place
 */
export async function importDocuments(
  documents: Documents,
  caller: Caller,
  collection: string,
  lines: Readable,
  onConflict: 'error' | 'replace',
): Promise<ImportSummary> {
  const summary: ImportSummary = { imported: 0, failed: 0, errors: [] }
  const underWay = new Set<Promise<void>>()
  let oneIsDone = (): void => {}
  const { documentBytes } = documents.services.config.limits
  let charactersUnderWay = 0
  let failure: Error | undefined
  const store = async ({ line, text }: Line): Promise<void> => {
    try {
      if (text === undefined) throw documentTooLarge(documentBytes)
      await storeLine(documents, caller, collection, text, onConflict)
      summary.imported += 1
    } catch (error) {
      // Not the line's fault: the whole import ends, once the lines that are under way are done.
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
  for await (const line of readLines(chunks, documentBytes + roomForSystemFields)) {
    const size = line.text?.length ?? 0
    charactersUnderWay += size
    const stored = store(line).finally(() => {
      charactersUnderWay -= size
      underWay.delete(stored)
      oneIsDone()
    })
    underWay.add(stored)
    while (underWay.size >= maxUnderWay || charactersUnderWay > maxCharactersUnderWay)
      await new Promise<void>((resolve) => (oneIsDone = resolve))
    if (failure !== undefined) break
  }
  await Promise.all(underWay)
  if (failure !== undefined) throw failure
  summary.errors.sort((a, b) => a.line - b.line)
  return summary
}

async function storeLine(
  documents: Documents,
  caller: Caller,
  collection: string,
  text: string,
  onConflict: 'error' | 'replace',
): Promise<void> {
  const line = parseLine(text)
  const { id } = line
  const own = withoutSystemFields(line)
  if (onConflict === 'replace' && id !== undefined) {
    await replaceDocument(documents, caller, collection, checkId(id), own, {})
  } else {
    await createDocument(documents, caller, collection, id === undefined ? own : { ...own, id })
  }
}

function parseLine(text: string): JsonObject {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new ApiError(
      'invalid_request',
      `This line is not JSON: ${error instanceof Error ? error.message : ''}`,
    )
  }
  if (!isJsonObject(parsed)) throw new ApiError('invalid_request', 'This line is not a JSON object.')
  return parsed
}
