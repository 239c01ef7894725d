import type { Readable } from 'node:stream'
import { ApiError } from '../../platform/errors.ts'
import { importLines, type ImportSummary } from '../../platform/import-lines.ts'
import { isJsonObject, type JsonObject } from '../../query/json.ts'
import type { Caller } from '../caller.ts'
import type { Documents } from '../documents.ts'
import { documentTooLarge } from '../errors.ts'
import { createDocument } from './create-document.ts'
import { checkId } from './plan-write.ts'
import { replaceDocument } from './replace-document.ts'
import { withoutSystemFields } from './check-data.ts'

// As many as one transaction of the committer takes, and as many again that wait for it.
const maxUnderWay = 512
const maxCharactersUnderWay = 8 * 1024 * 1024
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
  const { documentBytes } = documents.services.config.limits
  const bounds = {
    lineCharacters: documentBytes + roomForSystemFields,
    linesUnderWay: maxUnderWay,
    charactersUnderWay: maxCharactersUnderWay,
  }
  return importLines(lines, bounds, async (text) => {
    if (text === undefined) throw documentTooLarge(documentBytes)
    await storeLine(documents, caller, collection, text, onConflict)
  })
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
