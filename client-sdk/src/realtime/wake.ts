/** Where browsers say that the network, or the user, is back. All of it is missing elsewhere. */
interface Waker {
  readonly visibilityState?: string
  addEventListener?(type: string, listener: () => void): void
  removeEventListener?(type: string, listener: () => void): void
}

/** Calls when the device goes online, or the page is looked at again, until the returned function is called. */
export function onWake(callback: () => void): () => void {
  const page: Waker & { document?: Waker } = globalThis as object
  const { document } = page
  const onVisible = (): void => {
    if (document?.visibilityState === 'visible') callback()
  }
  page.addEventListener?.('online', callback)
  document?.addEventListener?.('visibilitychange', onVisible)
  return () => {
    page.removeEventListener?.('online', callback)
    document?.removeEventListener?.('visibilitychange', onVisible)
  }
}
