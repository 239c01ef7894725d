import type { Queryable } from '../../platform/database.ts'
import { sqlState } from '../../platform/database.ts'
import { type Committer, StaleTransaction } from '../committer/committer.ts'
import type { PlannedWrite } from '../committer/planned-write.ts'
import type { Collection } from '../collections/collection.ts'
import { indexName } from '../collections/index-ddl.ts'
import type { ParsedIndex } from '../collections/parse-indexes.ts'
import type { Caller } from '../caller.ts'
import type { Documents } from '../documents.ts'
import {
  collectionNotFound,
  documentExists,
  projectLocked,
  tooContended,
  uniqueViolation,
  validationFailed,
} from '../errors.ts'

// Others win a race for a document that everybody writes; under the lock nobody else can.
const maxRaces = 3

interface Decision<T> {
  write: PlannedWrite
  result: T
}

/**
 * The committer of the caller's project; every write asks for it here. Throws 409 for a function that a write waits for
 * which holds the lock: it would wait for that write in vain.
 */
export function committerFor(documents: Documents, { project, actor }: Caller): Committer {
  if (actor.kind === 'function' && actor.holdsLock) throw projectLocked()
  return documents.committerOf(project)
}

/**
 * Decides on a write by what is stored, and commits it if that is still so; otherwise decides again, at last with
 * the project locked. `decide` reads through the `db` that it is given.
 */
export async function commitDecision<T>(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  decide: (db: Queryable, isLocked: boolean) => Promise<Decision<T>>,
): Promise<T> {
  const committer = committerFor(documents, caller)
  try {
    for (let race = 0; race < maxRaces; race++) {
      const { write, result } = await decide(documents.services.db, false)
      const outcome = await committer.commit(write)
      if (outcome.committed) return result
    }
    return await committer.commitExclusively(async (tx) => {
      const { write, result } = await decide(tx, true)
      return { writes: [write], result }
    })
  } catch (error) {
    if (error instanceof StaleTransaction) throw tooContended(collection.name)
    throw explainCommitFailure(error, collection)
  }
}

/** Commits a creation: an id that is taken is no race but an answer. */
export async function commitCreation<T>(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  { write, result }: Decision<T>,
): Promise<T> {
  try {
    const outcome = await committerFor(documents, caller).commit(write)
    if (!outcome.committed) throw documentExists(write.id)
    return result
  } catch (error) {
    throw explainCommitFailure(error, collection)
  }
}

/** What PostgreSQL refused, in the words of the collection's declaration. */
export function explainCommitFailure(error: unknown, ...collections: readonly Collection[]): unknown {
  const state = sqlState(error)
  if (state === '42P01' || state === '3F000') return collectionNotFound(collections[0]?.name ?? '')
  if ((state !== '23505' && state !== '54000') || !(error instanceof Error)) return error
  const indexes = collections.flatMap((collection) =>
    collection.indexes.map((index) => ({ index, name: indexName(collection.name, index) })),
  )
  const constraint =
    'constraint' in error && typeof error.constraint === 'string' ? error.constraint : undefined
  const violated = indexes.find(({ name }) => name === constraint || error.message.includes(`"${name}"`))
  if (state === '54000') return tooLong(violated === undefined ? indexes : [violated])
  if (violated === undefined) return error
  return uniqueViolation(violated.index.label, fieldsOf(violated.index))
}

/** PostgreSQL names the index for values of some kilobytes, and not for longer ones: then it is one of them all. */
function tooLong(indexes: readonly { index: ParsedIndex }[]): Error {
  return validationFailed(
    indexes.flatMap(({ index }) =>
      fieldsOf(index).map((path) => ({
        path,
        code: 'too_long',
        message: `is too long for the index ${index.label}`,
      })),
    ),
  )
}

function fieldsOf({ fields }: ParsedIndex): string[] {
  return fields.map(({ path }) => path.join('.'))
}
