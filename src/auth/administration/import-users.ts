import type { Readable } from 'node:stream'
import { Value } from 'typebox/value'
import { invalidRequest, payloadTooLarge } from '../../platform/errors.ts'
import { importLines, type ImportSummary } from '../../platform/import-lines.ts'
import type { Auth } from '../auth.ts'
import { insertUser } from './create-managed-user.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'
import { type ImportedUser, importedUserSchema } from './schemas.ts'

// Half of the connections: requests go on meanwhile.
const maxUnderWay = 8
const maxLineCharacters = 65_536

/** Makes users from NDJSON, a line each and each for itself: a faulty line is reported and the others go on. */
export async function importUsers(
  auth: Auth,
  administration: UserChange,
  lines: Readable,
): Promise<ImportSummary> {
  const { control } = auth.services
  await control.$transaction((tx) => auditUser(tx, administration, 'user.import', administration.project.ref))
  const bounds = {
    lineCharacters: maxLineCharacters,
    linesUnderWay: maxUnderWay,
    charactersUnderWay: maxUnderWay * maxLineCharacters,
  }
  return importLines(lines, bounds, (text) => {
    const user = parseLine(text)
    return control.$transaction((tx) => insertUser(auth, tx, administration, user, null))
  })
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
