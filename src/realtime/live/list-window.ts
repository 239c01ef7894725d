import type { StoredDocument } from '../../documents/committer/planned-write.ts'
import type { KeyValue } from '../../query/sort-documents.ts'

/** A document of a list: where it stands, and which state of it was shown. */
export interface Entry {
  readonly id: string
  readonly keys: readonly KeyValue[]
  /** Differs whenever what is shown may differ. */
  readonly mark: string
}

/** A document with its place. */
export interface PlacedDocument {
  readonly entry: Entry
  readonly document: StoredDocument
}

/**
 * A step from one list to the next. Steps are taken one after the other: `index` is where the document stands right
 * after its step; one that has changed may have moved.
 */
export type ListChange =
  | { readonly kind: 'added' | 'changed'; readonly index: number; readonly document: StoredDocument }
  | { readonly kind: 'removed'; readonly id: string }

export type CompareKeys = (a: readonly KeyValue[], b: readonly KeyValue[]) => number

/** The first `limit` of a sorted list of documents, kept up to date by single changes for as long as that can be done. */
export class ListWindow {
  readonly #compare: CompareKeys
  readonly #limit: number
  #entries: Entry[]
  /** Whether there may be documents behind the last one. Only with a full window. */
  #hasMore: boolean

  constructor(compare: CompareKeys, limit: number, entries: Entry[], hasMore: boolean) {
    this.#compare = compare
    this.#limit = limit
    this.#entries = entries
    this.#hasMore = hasMore
  }

  get entries(): readonly Entry[] {
    return this.#entries
  }

  /**
   * Takes one committed change: the document as it is now, null if it does not belong to the list (any more).
   * Undefined if the list has to be read anew, since a document that is not known here moves up; then nothing changed.
   */
  apply(id: string, after: PlacedDocument | null): readonly ListChange[] | undefined {
    const at = this.#entries.findIndex((entry) => entry.id === id)
    if (after === null) return at === -1 ? [] : this.#remove(at)
    return at === -1 ? this.#insert(after) : this.#move(at, after)
  }

  #remove(at: number): readonly ListChange[] | undefined {
    if (this.#hasMore) return undefined
    const [removed] = this.#entries.splice(at, 1)
    return removed === undefined ? [] : [{ kind: 'removed', id: removed.id }]
  }

  #insert({ entry, document }: PlacedDocument): readonly ListChange[] {
    const index = this.#placeOf(entry)
    if (index === this.#limit) {
      this.#hasMore = true
      return []
    }
    const changes: ListChange[] = []
    if (this.#entries.length === this.#limit) {
      const last = this.#entries.pop()
      if (last !== undefined) changes.push({ kind: 'removed', id: last.id })
      this.#hasMore = true
    }
    this.#entries.splice(index, 0, entry)
    changes.push({ kind: 'added', index, document })
    return changes
  }

  #move(at: number, { entry, document }: PlacedDocument): readonly ListChange[] | undefined {
    const last = this.#entries.at(-1)
    // Behind what was the last one stand documents that are not known here, perhaps before this one.
    if (this.#hasMore && last !== undefined && this.#compare(entry.keys, last.keys) > 0) return undefined
    this.#entries.splice(at, 1)
    const index = this.#placeOf(entry)
    this.#entries.splice(index, 0, entry)
    return [{ kind: 'changed', index, document }]
  }

  /** How many entries stand before it. */
  #placeOf({ keys }: Entry): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      const entry = this.#entries[middle]
      if (entry !== undefined && this.#compare(entry.keys, keys) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The steps that lead from one list to another. */
export function diffLists(from: readonly Entry[], to: readonly PlacedDocument[]): ListChange[] {
  const wanted = new Set(to.map(({ entry }) => entry.id))
  const marks = new Map(from.map(({ id, mark }) => [id, mark]))
  const changes: ListChange[] = from.flatMap(({ id }) => (wanted.has(id) ? [] : [{ kind: 'removed', id }]))
  // What stands as in the new list up to `index`, and behind it what is still in the old order.
  const rest = from.flatMap(({ id }) => (wanted.has(id) ? [id] : []))
  for (const [index, { entry, document }] of to.entries()) {
    const mark = marks.get(entry.id)
    if (mark === undefined) {
      changes.push({ kind: 'added', index, document })
    } else if (rest[0] !== entry.id) {
      rest.splice(rest.indexOf(entry.id), 1)
      changes.push({ kind: 'changed', index, document })
    } else {
      rest.shift()
      if (mark !== entry.mark) changes.push({ kind: 'changed', index, document })
    }
  }
  return changes
}

/** A change since some moment, as far as a list is concerned: the document as it was, null if it did not belong. */
export interface EarlierState {
  readonly id: string
  readonly before: PlacedDocument | null
}

/**
 * The list as it stood before some changes, made from what stands now. Undefined if that takes more documents than
 * are given: a document that did not change, and stood in the list then, may stand behind all of them now.
 *
 * @param now the documents that belong to the list now, in order
 * @param isAll whether there are no others
 * @param changed the states before, one for each document that changed since
 */
export function rewindList(
  now: readonly Entry[],
  isAll: boolean,
  changed: ReadonlyMap<string, EarlierState>,
  compare: CompareKeys,
  limit: number,
): Entry[] | undefined {
  const unchanged = now.filter(({ id }) => !changed.has(id))
  if (!isAll && unchanged.length < limit) return undefined
  const before = [...changed.values()].flatMap((state) => (state.before === null ? [] : [state.before.entry]))
  return [...unchanged, ...before].sort((a, b) => compare(a.keys, b.keys)).slice(0, limit)
}
