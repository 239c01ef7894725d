import type { LoggedChange } from './logged-change.ts'

/** Reads older changes: those after a number, in order; fewer than asked for only at the end. */
export type ReadOlder = (
  after: number,
  limit: number,
) => Promise<{ changes: LoggedChange[]; trimmed: number }>

interface Bounds {
  changes: number
  bytes: number
}

// What clients ask for that lost their connection for a moment.
const usual: Bounds = { changes: 2_000, bytes: 4 * 1024 * 1024 }
// What they ask for after a restart of the server: all at once, so it is read once for all and kept for a while.
const extended: Bounds = { changes: 20_000, bytes: 64 * 1024 * 1024 }
const extendedForMs = 15_000
const pageSize = 1_000

/** The newest changes of a project, without gaps. Reaches back further for as long as somebody asks for it. */
export class ChangeHistory {
  readonly #readOlder: ReadOlder
  #changes: LoggedChange[] = []
  #bytes = 0
  /** Everything after this number is here. */
  #from: number
  #extendedUntil = 0
  #reaching: Promise<unknown> = Promise.resolve()

  constructor(from: number, readOlder: ReadOlder) {
    this.#from = from
    this.#readOlder = readOlder
  }

  add(changes: readonly LoggedChange[]): void {
    for (const change of changes) {
      this.#changes.push(change)
      this.#bytes += change.bytes
    }
    this.#trim(Date.now() < this.#extendedUntil ? extended : usual)
  }

  /** Begins anew after a number, when what lies between was lost. */
  restart(from: number): void {
    this.#changes = []
    this.#bytes = 0
    this.#from = from
  }

  /** The changes after a number; undefined when they are gone, or too many to go through. */
  async since(seq: number): Promise<readonly LoggedChange[] | undefined> {
    if (seq < this.#from) {
      // One after the other: whoever comes second finds what the first has read.
      const reached = this.#reaching.then(() => this.#reachBack(seq))
      this.#reaching = reached.catch(() => undefined)
      await reached
    }
    return this.after(seq)
  }

  /** The same without reading any. */
  after(seq: number): readonly LoggedChange[] | undefined {
    return seq < this.#from ? undefined : this.#changes.slice(seq - this.#from)
  }

  async #reachBack(seq: number): Promise<void> {
    if (seq >= this.#from || this.#from - seq + this.#changes.length > extended.changes) return
    this.#extendedUntil = Date.now() + extendedForMs
    const older: LoggedChange[] = []
    let bytes = this.#bytes
    let after = seq
    while (after < this.#from) {
      const page = await this.#readOlder(after, Math.min(pageSize, this.#from - after))
      older.push(...page.changes)
      bytes += page.changes.reduce((sum, change) => sum + change.bytes, 0)
      const last = page.changes.at(-1)
      if (seq < page.trimmed || last === undefined || bytes > extended.bytes) return
      after = last.seq
    }
    this.#changes.unshift(...older)
    this.#from = seq
    this.#bytes = bytes
  }

  #trim(bounds: Bounds): void {
    let count = 0
    while (this.#changes.length - count > bounds.changes || this.#bytes > bounds.bytes) {
      const oldest = this.#changes[count]
      if (oldest === undefined) break
      this.#bytes -= oldest.bytes
      count++
    }
    // Shifting an array costs its length: some hundred at once.
    if (count === 0) return
    this.#changes.splice(0, count)
    this.#from += count
  }
}
