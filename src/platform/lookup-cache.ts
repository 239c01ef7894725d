import { batchByKey } from './batch-by-key.ts'

const refreshAfterMs = 3_000
// The net under lost notifications: what was revoked is dead everywhere after this time.
const maxAgeMs = 5_000
const missingForMs = 1_000
const maxMissing = 2_000
const maxBatch = 500

/**
 * Rows that nearly every request needs, by a text key. Answers from memory; entries in use are read again in
 * the background before they are too old, so a request waits for the database only at the first use.
 * Holds at most `maxEntries`, and remembers for a moment what does not exist.
 */
export class LookupCache<V extends object> {
  readonly #read: (key: string) => Promise<V | null>
  readonly #maxEntries: number
  readonly #found = new Map<string, { value: V; readAt: number }>()
  readonly #missing = new Map<string, number>()
  readonly #reading = new Map<string, Promise<V | null>>()
  #generation = 0

  constructor(options: { read: (key: string) => Promise<V | null>; maxEntries: number }) {
    this.#read = options.read
    this.#maxEntries = options.maxEntries
  }

  /**
   * Null: known not to exist. A promise: being read already. Undefined: asking costs a query, see `load`.
   * @param now for who has read the clock already
   */
  get(key: string, now = Date.now()): V | null | Promise<V | null> | undefined {
    const entry = this.#found.get(key)
    if (entry === undefined) return this.#isMissing(key) ? null : this.#reading.get(key)
    const age = now - entry.readAt
    if (age >= maxAgeMs) return this.#reading.get(key)
    // A failure shows when the entry is too old; until then the old value serves.
    if (age >= refreshAfterMs) this.load(key).catch(() => undefined)
    return entry.value
  }

  /** From the database; those who ask at the same time share one query. */
  load(key: string): Promise<V | null> {
    const reading = this.#reading.get(key)
    if (reading !== undefined) return reading
    const started = this.#readAndKeep(key).finally(() => {
      if (this.#reading.get(key) === started) this.#reading.delete(key)
    })
    this.#reading.set(key, started)
    return started
  }

  /** Drops what matches. What is being read right now may be from before the change, so it isn't kept. */
  forget(matches: (value: V) => boolean): void {
    this.#generation++
    this.#reading.clear()
    this.#missing.clear()
    for (const [key, entry] of this.#found) if (matches(entry.value)) this.#found.delete(key)
  }

  clear(): void {
    this.forget(() => true)
  }

  async #readAndKeep(key: string): Promise<V | null> {
    const generation = this.#generation
    const readAt = Date.now()
    const value = await this.#read(key)
    if (generation !== this.#generation) return value
    // Deleting first moves the key to the end: the map's order is the order of the last reading.
    this.#found.delete(key)
    if (value === null) keep(this.#missing, key, readAt + missingForMs, maxMissing)
    else keep(this.#found, key, { value, readAt }, this.#maxEntries)
    return value
  }

  #isMissing(key: string): boolean {
    const until = this.#missing.get(key)
    if (until === undefined) return false
    if (Date.now() < until) return true
    this.#missing.delete(key)
    return false
  }
}

/**
 * Reads one by one what is asked for one by one, and together what is asked for at once: thousands of sockets look
 * whether their sessions still stand.
 */
export function readTogether<V>(
  readMany: (keys: string[]) => Promise<ReadonlyMap<string, V>>,
): (key: string) => Promise<V | null> {
  const add = batchByKey<Asked<V>>(maxBatch, async (_lane, batch) => {
    try {
      const found = await readMany(batch.map(({ key }) => key))
      for (const { key, resolve } of batch) resolve(found.get(key) ?? null)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  })
  return (key) => new Promise((resolve, reject) => add('', { key, resolve, reject }))
}

interface Asked<V> {
  key: string
  resolve: (value: V | null) => void
  reject: (reason: unknown) => void
}

function keep<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  const oldest = map.size >= max ? map.keys().next() : undefined
  if (oldest?.done === false) map.delete(oldest.value)
  map.set(key, value)
}
