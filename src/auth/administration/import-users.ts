import type { Readable } from 'node:stream'
import { Value } from 'typebox/value'
import { ApiError, invalidRequest, payloadTooLarge } from '../../platform/errors.ts'
import { readLines } from '../../platform/read-lines.ts'
import type { Auth } from '../auth.ts'
import { insertUser } from './create-managed-user.ts'
import { type Administration, auditUser } from './managed-user.ts'
import { type ImportedUser, importedUserSchema } from './schemas.ts'

/** A line that made no user, and why. Lines count from 1. */
interface ImportFault {
  line: number
  code: string
  message: string
}

export interface UserImport {
  imported: number
  failed: number
  /** The first hundred. */
  errors: ImportFault[]
}

// Half of the connections: requests go on meanwhile.
const maxUnderWay = 8
const maxErrors = 100
const maxLineCharacters = 65_536

/** Makes users from NDJSON, a line each and each for itself: a faulty line is reported and the others go on. */
export async function importUsers(
  auth: Auth,
  administration: Administration,
  lines: Readable,
): Promise<UserImport> {
  const { control } = auth.services
  await control.$transaction((tx) => auditUser(tx, administration, 'user.import', administration.project.ref))
  const summary: UserImport = { imported: 0, failed: 0, errors: [] }
  const underWay = new Set<Promise<void>>()
  let failure: Error | undefined
  const importLine = async (line: number, text: string | undefined): Promise<void> => {
    try {
      const user = parseLine(text)
      await control.$transaction((tx) => insertUser(auth, tx, administration, user, null))
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
  for await (const { line, text } of readLines(chunks, maxLineCharacters)) {
    const imported = importLine(line, text).finally(() => underWay.delete(imported))
    underWay.add(imported)
    if (underWay.size >= maxUnderWay) await Promise.race(underWay)
    if (failure !== undefined) break
  }
  await Promise.all(underWay)
  if (failure !== undefined) throw failure
  summary.errors.sort((a, b) => a.line - b.line)
  return summary
}

function parseLine(text: string | undefined): ImportedUser {
  if (text === undefined) throw payloadTooLarge(`A line has at most ${maxLineCharacters} characters.`)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw invalidRequest([{ path: '', code: 'malformed', message: 'is not JSON' }])
  }
  if (Value.Check(importedUserSchema, parsed)) return parsed
  const errors = Value.Errors(importedUserSchema, parsed).slice(0, 20)
  throw invalidRequest(
    errors.map(({ instancePath, keyword, message }) => ({
      path: instancePath.slice(1).replaceAll('/', '.'),
      code: keyword,
      message,
    })),
  )
}
