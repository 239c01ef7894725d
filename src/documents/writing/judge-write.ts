import { ApiError } from '../../platform/errors.ts'
import { isJudgedByRules } from '../../projects/actor.ts'
import { type Json, jsonEquals, type JsonObject } from '../../query/json.ts'
import { holds, mayDo, type RuleSubject } from '../ask-rule.ts'
import type { Action } from '../collections/collection-definition.ts'
import type { StoredDocument } from '../committer/planned-write.ts'
import { documentNotFound, fieldRefused, ruleRefused } from '../errors.ts'
import { fieldAt } from '../reading/field-access.ts'
import { documentObject } from '../stored-document.ts'
import type { WriteContext } from './write-context.ts'

interface Judged {
  action: Extract<Action, 'create' | 'update' | 'delete'>
  id: string
  doc?: () => JsonObject
  before?: () => JsonObject
}

/**
 * Throws unless the rules let the caller do this. Who may not even read the document is told that there is none.
 * Fields with a write rule are judged if the write changes them.
 */
export async function judgeWrite(context: WriteContext, judged: Judged): Promise<void> {
  const { documents, db, caller, collection } = context
  if (!isJudgedByRules(caller.actor)) return
  const subject: RuleSubject = judged
  if (!(await mayDo(documents, db, caller, collection, judged.action, subject))) {
    throw await refusal(context, judged)
  }
  for (const { path, write } of collection.fieldRules) {
    if (write === undefined || judged.doc === undefined) continue
    if (!isChanged(fieldAt(judged.doc(), path), judged.before && fieldAt(judged.before(), path))) continue
    if (!(await holds(documents, db, caller, write, subject))) throw fieldRefused(path.join('.'), 'write')
  }
}

async function refusal(context: WriteContext, { action, id, before }: Judged): Promise<Error> {
  if (before !== undefined && !(await mayRead(context, before))) return documentNotFound(id)
  return ruleRefused(action, context.collection.name)
}

// What is wrong with a patch may be wrong with what it is applied to: that a number is none, what a schema misses.
// What a function says of it, too.
const tracing: ReadonlySet<string> = new Set([
  'invalid_request',
  'validation_failed',
  'payload_too_large',
  'rejected',
  'function_failed',
])

/** The fault of a patch as its sender may hear it: who may not read the document is told that there is none. */
export async function withoutTraces(
  context: WriteContext,
  current: StoredDocument,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof ApiError) || !tracing.has(error.code)) return error
  return (await mayRead(context, () => documentObject(current))) ? error : documentNotFound(current.id)
}

function mayRead({ documents, db, caller, collection }: WriteContext, doc: () => JsonObject) {
  return mayDo(documents, db, caller, collection, 'read', { doc })
}

function isChanged(after: Json | undefined, before: Json | undefined): boolean {
  if (after === undefined || before === undefined) return after !== before
  return !jsonEquals(after, before)
}
