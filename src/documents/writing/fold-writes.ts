import type { PlannedWrite, StoredDocument } from '../committer/planned-write.ts'

/** What the operations of a transaction come to: at most one write for each document. */
export interface FoldedWrites {
  /** The document as the operations so far leave it. */
  current(collection: string, id: string): StoredDocument | undefined
  /**
   * @param at the index of the operation
   * @param after what the write leads to; undefined when it deletes
   */
  put(at: number, write: PlannedWrite, after: StoredDocument | undefined): void
  /** Each with the last operation that it comes from. */
  writes(): { write: PlannedWrite; at: number }[]
}

interface Folded {
  at: number
  write: PlannedWrite
  after: StoredDocument | undefined
}

/** @param stored what stood before the transaction, by collection and id */
export function foldWrites(stored: ReadonlyMap<string, ReadonlyMap<string, StoredDocument>>): FoldedWrites {
  const folded = new Map<string, Folded>()
  const before = (collection: string, id: string): StoredDocument | undefined =>
    stored.get(collection)?.get(id)

  return {
    current(collection, id) {
      const changed = folded.get(`${collection}/${id}`)
      return changed === undefined ? before(collection, id) : changed.after
    },
    put(at, write, after) {
      // The version counts writes that are committed: several in one transaction are one.
      const original = before(write.collection, write.id)
      const version = original === undefined ? 1 : original.version + 1
      if (after !== undefined) {
        after.version = version
        if (original !== undefined) after.createdAt = original.createdAt
      }
      folded.set(`${write.collection}/${write.id}`, { at, write, after })
    },
    writes() {
      return [...folded.values()].flatMap(({ at, write, after }) => {
        const net = netWrite(write, before(write.collection, write.id), after)
        return net === undefined ? [] : [{ write: net, at }]
      })
    },
  }
}

function netWrite(
  { collection, id, at, actor, depth }: PlannedWrite,
  before: StoredDocument | undefined,
  after: StoredDocument | undefined,
): PlannedWrite | undefined {
  const common = { collection, id, at, actor, ...(depth !== undefined && { depth }) }
  if (before === undefined) {
    return after && { ...common, kind: 'create', data: after.data, createdAt: after.createdAt }
  }
  if (after === undefined) return { ...common, kind: 'delete', current: before }
  return { ...common, kind: 'update', data: after.data, current: before }
}
