import { type AccessTerm, documentKeys } from './access-term.ts'
import type { LoggedChange } from './logged-change.ts'

/** Changes of one collection by the values that some of its fields had before or after them. Oldest first. */
export class HistoryIndex {
  readonly #collection: string
  readonly #term: AccessTerm
  readonly #byValue = new Map<string, LoggedChange[]>()

  /** @param term any of those that it is to answer */
  constructor(collection: string, term: AccessTerm) {
    this.#collection = collection
    this.#term = term
  }

  /** The newest. */
  add(change: LoggedChange): void {
    for (const key of this.#keysOf(change)) {
      const changes = this.#byValue.get(key)
      if (changes === undefined) this.#byValue.set(key, [change])
      else changes.push(change)
    }
  }

  /** The oldest. */
  drop(change: LoggedChange): void {
    for (const key of this.#keysOf(change)) {
      const changes = this.#byValue.get(key)
      changes?.shift()
      if (changes?.length === 0) this.#byValue.delete(key)
    }
  }

  /** Those after a number that have one of the values. */
  find({ values }: AccessTerm, after: number): readonly LoggedChange[] {
    const found = values.map((value) => behind(this.#byValue.get(value) ?? [], after))
    if (found.length === 1) return found[0] ?? []
    return [...new Set(found.flat())].sort((a, b) => a.seq - b.seq)
  }

  #keysOf({ collection, before, after }: LoggedChange): ReadonlySet<string> {
    if (collection !== this.#collection) return new Set()
    return new Set(
      [before, after].flatMap((document) =>
        document === null ? [] : documentKeys(this.#term, document.object),
      ),
    )
  }
}

/** What is asked for is mostly the end. */
function behind(changes: readonly LoggedChange[], after: number): readonly LoggedChange[] {
  const last = changes.findLastIndex(({ seq }) => seq <= after)
  return changes.slice(last + 1)
}
