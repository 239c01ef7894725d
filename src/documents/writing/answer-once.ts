import { createHash } from 'node:crypto'
import type { Database } from '../../platform/database.ts'
import { invalidValue } from '../../platform/errors.ts'
import { quoteName } from '../../platform/sql.ts'
import { actorLabel } from '../../projects/actor.ts'
import { projectSchema } from '../../projects/project.ts'
import type { Caller } from '../caller.ts'
import { idempotencyConflict } from '../errors.ts'
import type { Answer, IdempotencyKey } from './answer.ts'

const maxKeyLength = 255

/** What a request with an `Idempotency-Key` is about: the same key with another fingerprint is a mistake. */
export function idempotencyKey(
  caller: Caller,
  header: string | string[] | undefined,
  request: { method: string; url: string; ifMatch?: string | undefined; body: unknown },
): IdempotencyKey {
  if (header === undefined) return undefined
  if (typeof header !== 'string' || header.length === 0 || header.length > maxKeyLength) {
    throw invalidValue('Idempotency-Key', `must have 1 to ${maxKeyLength} characters`, 'invalid_header')
  }
  const asked = JSON.stringify([request.method, request.url, request.ifMatch ?? null, request.body ?? null])
  const fingerprint = createHash('sha256').update(asked).digest('base64url')
  return { actor: actorLabel(caller.actor), key: header, fingerprint }
}

/**
 * Runs a write so that its key takes effect once. The record is inserted by the statement that writes, so a write
 * that happened already can't happen again: it fails on the record, or on what it changed itself (its version, its
 * id). Therefore nothing is looked up before, and after any failure the record decides.
 */
export async function answerOnce(
  db: Database,
  caller: Caller,
  key: IdempotencyKey,
  write: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await write()
  } catch (error) {
    const earlier = key && (await recall(db, caller, key))
    if (earlier === undefined) throw error
    return earlier
  }
}

async function recall(
  db: Database,
  caller: Caller,
  { actor, key, fingerprint }: NonNullable<IdempotencyKey>,
) {
  const { rows } = await db.query<{ fingerprint: string; status: number; answer: string }>(
    `SELECT fingerprint, status, answer
     FROM ${quoteName(projectSchema(caller.project))}._idempotency
     WHERE actor = $1 AND key = $2`,
    [actor, key],
  )
  const [record] = rows
  if (record === undefined) return undefined
  if (record.fingerprint !== fingerprint) throw idempotencyConflict()
  return { status: record.status, body: record.answer, isReplayed: true }
}
