import type { JsonObject } from '../../query/json.ts'
import type { Caller } from '../caller.ts'
import type { Documents } from '../documents.ts'
import { readCurrent } from '../reading/read-current.ts'
import { type Answer, answerDocument, type IdempotencyKey, remembered } from './answer.ts'
import { commitDecision } from './commit-plan.ts'
import { planUpdate } from './plan-write.ts'
import type { Precondition } from './write-context.ts'

/** Merges a patch into a document. Answers 200 with it; 404, 412 by precondition, 422 by schema. */
export async function updateDocument(
  documents: Documents,
  caller: Caller,
  collectionName: string,
  id: string,
  patch: JsonObject,
  precondition: Precondition,
  key?: IdempotencyKey,
): Promise<Answer> {
  const collection = await documents.catalog.get(caller.project, collectionName)
  return commitDecision(documents, caller, collection, async (db, isLocked) => {
    const context = { documents, db, caller, collection }
    const current = await readCurrent(documents, db, collection, id, isLocked)
    const { write, after } = await planUpdate(context, id, current, patch, precondition)
    const answer = await answerDocument(context, after, 200)
    return { write: { ...write, ...remembered(key, answer) }, result: answer }
  })
}
