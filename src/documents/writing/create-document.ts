import type { JsonObject } from '../../query/json.ts'
import type { Caller } from '../caller.ts'
import type { Documents } from '../documents.ts'
import { type Answer, answerDocument, type IdempotencyKey, remembered } from './answer.ts'
import { commitCreation } from './commit-plan.ts'
import { planCreate } from './plan-write.ts'

/** Stores a new document. Answers 201 with it; 409 when its id or a unique value is taken. */
export async function createDocument(
  documents: Documents,
  caller: Caller,
  collectionName: string,
  body: JsonObject,
  key?: IdempotencyKey,
): Promise<Answer> {
  const collection = await documents.catalog.get(caller.project, collectionName)
  const context = { documents, db: documents.services.db, caller, collection }
  const { write, after } = await planCreate(context, body)
  const answer = await answerDocument(context, after, 201)
  return commitCreation(documents, caller, collection, {
    write: { ...write, ...remembered(key, answer) },
    result: answer,
  })
}
