import type { IdempotencyRecord, StoredDocument } from '../committer/planned-write.ts'
import { mayDo } from '../ask-rule.ts'
import { guardedFields, withoutHiddenFields } from '../reading/field-access.ts'
import { documentObject, documentText } from '../stored-document.ts'
import type { WriteContext } from './write-context.ts'

/** What a write answers, known before it is committed so that it can be remembered with it. */
export interface Answer {
  status: number
  /** JSON text; empty for 204. */
  body: string
  isReplayed?: boolean
}

/** Who asks under which `Idempotency-Key`; undefined without one. */
export type IdempotencyKey = Pick<IdempotencyRecord, 'actor' | 'key' | 'fingerprint'> | undefined

/**
 * The written document as its writer may see it. Who may write and not read gets the system fields, and on creation
 * what was sent; field rules apply to everyone.
 */
export async function answerDocument(
  context: WriteContext,
  after: StoredDocument,
  status: 200 | 201,
): Promise<Answer> {
  const { documents, db, caller, collection } = context
  const doc = () => documentObject(after)
  if (status === 200 && !(await mayDo(documents, db, caller, collection, 'read', { doc }))) {
    return { status, body: documentText({ ...after, data: '{}' }) }
  }
  const guarded = guardedFields(caller, collection)
  if (guarded.length === 0) return { status, body: documentText(after) }
  return { status, body: JSON.stringify(await withoutHiddenFields(documents, db, caller, guarded, doc())) }
}

export const noContent: Answer = { status: 204, body: '' }

/** The record to be committed with a write; nothing without a key. */
export function remembered(
  key: IdempotencyKey,
  { status, body }: Answer,
): { idempotency?: IdempotencyRecord } {
  return key === undefined ? {} : { idempotency: { ...key, status, answer: body } }
}
