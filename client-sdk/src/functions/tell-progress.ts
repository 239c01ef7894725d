/** Sends what a function says of how far it is, one after the other; of what comes meanwhile the last counts. */
export function createProgress(send: (body: string) => Promise<unknown>): {
  tell: (value: unknown) => void
  /** Resolves when the last of it has arrived: before the function's answer. */
  told(): Promise<void>
} {
  let newest: string | undefined
  let telling: Promise<void> | undefined

  async function drain(): Promise<void> {
    while (newest !== undefined) {
      const body = newest
      newest = undefined
      await send(body).catch(() => undefined)
    }
    telling = undefined
  }

  return {
    tell(value) {
      newest = JSON.stringify(value ?? null)
      telling ??= drain()
    },
    told: () => telling ?? Promise.resolve(),
  }
}
