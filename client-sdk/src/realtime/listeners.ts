/** Those who want to be told. One that throws keeps it from nobody else; what it threw surfaces as uncaught. */
export class Listeners<Event> {
  readonly #callbacks = new Set<(event: Event) => void>()

  get size(): number {
    return this.#callbacks.size
  }

  /** The same function twice is told twice. */
  add(callback: (event: Event) => void): () => void {
    const own = (event: Event): void => callback(event)
    this.#callbacks.add(own)
    return () => void this.#callbacks.delete(own)
  }

  tell(event: Event): void {
    // Who comes meanwhile is not told, and neither is who has gone.
    const callbacks = Array.from(this.#callbacks)
    callbacks.forEach((callback) => this.#callbacks.has(callback) && attempt(() => callback(event)))
  }

  clear(): void {
    this.#callbacks.clear()
  }
}

function attempt(work: () => void): void {
  try {
    work()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
