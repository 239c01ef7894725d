import type { JsonObject } from '../../query/json.ts'
import type { Caller } from '../caller.ts'
import type { Documents } from '../documents.ts'
import { versionMismatch } from '../errors.ts'
import { readCurrent } from '../reading/read-current.ts'
import { type Answer, answerDocument, type IdempotencyKey, remembered } from './answer.ts'
import { commitDecision } from './commit-plan.ts'
import { planCreate, planReplace, withoutId } from './plan-write.ts'
import type { Precondition } from './write-context.ts'

/** Stores a document under an id, whether there was one (200) or not (201). */
export async function replaceDocument(
  documents: Documents,
  caller: Caller,
  collectionName: string,
  id: string,
  body: JsonObject,
  precondition: Precondition,
  key?: IdempotencyKey,
): Promise<Answer> {
  const collection = await documents.catalog.get(caller.project, collectionName)
  return commitDecision(documents, caller, collection, async (db, isLocked) => {
    const context = { documents, db, caller, collection }
    const current = await readCurrent(documents, db, collection, id, isLocked)
    const { ifVersion, ifPresent = false } = precondition
    if (current === undefined && (ifPresent || ifVersion !== undefined)) throw versionMismatch(id)
    const { write, after } =
      current === undefined
        ? await planCreate(context, { ...withoutId(body, id), id })
        : await planReplace(context, current, body, precondition)
    const answer = await answerDocument(context, after, current === undefined ? 201 : 200)
    return { write: { ...write, ...remembered(key, answer) }, result: answer }
  })
}
