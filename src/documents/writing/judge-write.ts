import { isJudgedByRules } from '../../projects/actor.ts'
import { type Json, jsonEquals, type JsonObject } from '../../query/json.ts'
import { holds, mayDo, type RuleSubject } from '../ask-rule.ts'
import type { Action } from '../collections/collection-definition.ts'
import { documentNotFound, fieldRefused, ruleRefused } from '../errors.ts'
import { fieldAt } from '../reading/field-access.ts'
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

async function refusal({ documents, db, caller, collection }: WriteContext, judged: Judged): Promise<Error> {
  const { before } = judged
  if (before !== undefined && !(await mayDo(documents, db, caller, collection, 'read', { doc: before }))) {
    return documentNotFound(judged.id)
  }
  return ruleRefused(judged.action, collection.name)
}

function isChanged(after: Json | undefined, before: Json | undefined): boolean {
  if (after === undefined || before === undefined) return after !== before
  return !jsonEquals(after, before)
}
