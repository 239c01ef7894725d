import type { AuthStorage } from './auth-storage.ts'

const queues = new WeakMap<AuthStorage, Promise<unknown>>()

/**
 * Runs one piece of work at a time on what a storage holds: among all tabs by Web Locks, else among the clients of
 * this page. Tabs without Web Locks may refresh at once; the server's grace gives them the same new tokens then.
 */
export function withSessionLock<T>(storage: AuthStorage, key: string, work: () => Promise<T>): Promise<T> {
  const locks = storage.isShared === true ? globalThis.navigator?.locks : undefined
  if (locks !== undefined) return locks.request(key, work)
  const turn = (queues.get(storage) ?? Promise.resolve()).then(work)
  queues.set(
    storage,
    turn.catch(() => undefined),
  )
  return turn
}
