import type { Caller } from '../caller.ts'
import type { Documents } from '../documents.ts'
import { readCurrent } from '../reading/read-current.ts'
import { type Answer, type IdempotencyKey, noContent, remembered } from './answer.ts'
import { commitDecision } from './commit-plan.ts'
import { planDelete } from './plan-write.ts'
import type { Precondition } from './write-context.ts'

/** Removes a document. Answers 204; 404 when there is none. */
export async function deleteDocument(
  documents: Documents,
  caller: Caller,
  collectionName: string,
  id: string,
  precondition: Precondition,
  key?: IdempotencyKey,
): Promise<Answer> {
  const collection = await documents.catalog.get(caller.project, collectionName)
  return commitDecision(documents, caller, collection, async (db, isLocked) => {
    const context = { documents, db, caller, collection }
    const current = await readCurrent(documents, db, collection, id, isLocked)
    const write = await planDelete(context, id, current, precondition)
    return { write: { ...write, ...remembered(key, noContent) }, result: noContent }
  })
}
