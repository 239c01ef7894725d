import type { Transaction } from '../../platform/database.ts'
import { ApiError, invalidValue } from '../../platform/errors.ts'
import type { JsonObject } from '../../query/json.ts'
import { mayDo } from '../ask-rule.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import { RefusedWrite, StaleTransaction } from '../committer/committer.ts'
import type { PlannedWrite, StoredDocument } from '../committer/planned-write.ts'
import type { Documents } from '../documents.ts'
import { atPath, documentExists, documentNotFound, tooContended, versionMismatch } from '../errors.ts'
import { loadDocuments } from '../reading/document-loader.ts'
import { documentObject } from '../stored-document.ts'
import { type Answer, answerDocument, type IdempotencyKey, remembered } from './answer.ts'
import { committerFor, explainCommitFailure } from './commit-plan.ts'
import { checkId, checkObject, isId, planCreate, planDelete, planReplace, planUpdate } from './plan-write.ts'
import { type FoldedWrites, foldWrites } from './fold-writes.ts'
import type { WriteContext } from './write-context.ts'

/** One step of a transaction, as the API takes it. */
export interface Operation {
  op: 'create' | 'update' | 'replace' | 'delete' | 'check'
  collection: string
  id?: string
  data?: unknown
  ifVersion?: number
}

/**
 * Runs operations all or nothing, as if nobody else wrote to the project meanwhile. Each sees what those before it
 * did; `exists` and `get` in rules see what was stored before the transaction.
 * Answers `{ results }`, in order: the document, or null for `delete` and `check`. A fault names its operation.
 */
export async function runTransaction(
  documents: Documents,
  caller: Caller,
  operations: readonly Operation[],
  key?: IdempotencyKey,
): Promise<Answer> {
  const collections = await Promise.all(
    operations.map(({ collection }, at) =>
      located(at, async () => documents.catalog.get(caller.project, collection)),
    ),
  )
  const committer = committerFor(documents, caller)
  let origins: number[] = []
  try {
    return await committer.commitExclusively(async (tx) => {
      const folded = foldWrites(await loadAll(tx, operations, collections))
      const results: string[] = []
      for (const [at, operation] of operations.entries()) {
        const collection = collections[at]
        if (collection === undefined) continue
        const context = { documents, db: tx, caller, collection }
        results.push(await located(at, () => runOperation(context, operation, at, folded)))
      }
      const answer: Answer = { status: 200, body: `{"results":[${results.join(',')}]}` }
      const writes = folded.writes()
      origins = writes.map(({ at }) => at)
      return { writes: rememberedOnce(writes, key, answer), result: answer }
    })
  } catch (error) {
    throw explainFailure(error, new Set(collections), origins)
  }
}

/** @param origins the operation that each write came from */
function explainFailure(error: unknown, collections: ReadonlySet<Collection>, origins: number[]): unknown {
  if (error instanceof StaleTransaction) return tooContended('of the transaction')
  const isOneOfSeveral = error instanceof RefusedWrite
  const explained = explainCommitFailure(isOneOfSeveral ? error.cause : error, ...collections)
  const at = origins[isOneOfSeveral ? (error.index ?? -1) : 0]
  const isWrites = explained !== error && explained instanceof ApiError
  return isWrites && at !== undefined ? atPath(`operations[${at}]`, explained) : explained
}

/** Runs one operation on what the ones before it left; returns its result as JSON text. */
async function runOperation(
  context: WriteContext,
  operation: Operation,
  at: number,
  folded: FoldedWrites,
): Promise<string> {
  const { collection } = context
  const id = operation.op === 'create' && operation.id === undefined ? undefined : checkId(operation.id)
  const current = id === undefined ? undefined : folded.current(collection.name, id)
  const precondition = operation.ifVersion === undefined ? {} : { ifVersion: operation.ifVersion }
  switch (operation.op) {
    case 'create': {
      const { write, after } = await planCreate(context, {
        ...bodyOf(operation),
        ...(id !== undefined && { id }),
      })
      if (folded.current(collection.name, after.id) !== undefined) throw documentExists(after.id)
      folded.put(at, write, after)
      return (await answerDocument(context, after, 201)).body
    }
    case 'replace': {
      if (current === undefined && operation.ifVersion !== undefined) throw versionMismatch(id ?? '')
      const { write, after } =
        current === undefined
          ? await planCreate(context, { ...bodyOf(operation), ...(id !== undefined && { id }) })
          : await planReplace(context, current, bodyOf(operation), precondition)
      folded.put(at, write, after)
      return (await answerDocument(context, after, current === undefined ? 201 : 200)).body
    }
    case 'update': {
      const { write, after } = await planUpdate(context, id ?? '', current, bodyOf(operation), precondition)
      folded.put(at, write, after)
      return (await answerDocument(context, after, 200)).body
    }
    case 'delete': {
      folded.put(at, await planDelete(context, id ?? '', current, precondition), undefined)
      return 'null'
    }
    case 'check': {
      await checkDocument(context, id ?? '', current, operation.ifVersion)
      return 'null'
    }
  }
}

/** The document must be there, and readable: otherwise a check would tell what a read does not. */
async function checkDocument(
  { documents, db, caller, collection }: WriteContext,
  id: string,
  current: StoredDocument | undefined,
  ifVersion: number | undefined,
): Promise<void> {
  if (current === undefined) throw documentNotFound(id)
  if (!(await mayDo(documents, db, caller, collection, 'read', { doc: () => documentObject(current) }))) {
    throw documentNotFound(id)
  }
  if (ifVersion !== undefined && ifVersion !== current.version) throw versionMismatch(id)
}

async function loadAll(
  tx: Transaction,
  operations: readonly Operation[],
  collections: readonly Collection[],
): Promise<Map<string, Map<string, StoredDocument>>> {
  const stored = new Map<string, Map<string, StoredDocument>>()
  for (const collection of new Set(collections)) {
    const ids = operations.flatMap(({ id }, at) => (collections[at] === collection && isId(id) ? [id] : []))
    stored.set(collection.name, await loadDocuments(tx, collection.table, ids))
  }
  return stored
}

/** One record for all writes goes with the first: they happen together. */
function rememberedOnce(
  writes: readonly { write: PlannedWrite }[],
  key: IdempotencyKey,
  answer: Answer,
): PlannedWrite[] {
  return writes.map(({ write }, n) => (n === 0 ? { ...write, ...remembered(key, answer) } : write))
}

function bodyOf({ data, op }: Operation): JsonObject {
  if (data === undefined) throw invalidValue('data', `is what ${op} needs`, 'required')
  return checkObject(data, 'data')
}

async function located<T>(at: number, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw error instanceof ApiError ? atPath(`operations[${at}]`, error) : error
  }
}
