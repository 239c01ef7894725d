import { BasaltError } from './basalt-error.ts'

/** Timers count in 32 bits; a longer one would go off at once. */
const longestTimer = 2 ** 31 - 1

export interface Limits {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/**
 * Runs work that ends when the caller aborts (throws the signal's reason) or time is up (`timeout`).
 * By hand, because React Native has neither `AbortSignal.any` nor `AbortSignal.timeout`.
 */
export async function withDeadline<T>(
  { timeoutMs, signal }: Limits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let end: (() => unknown) | undefined
  const endWith = (reason: () => unknown) => {
    end ??= reason
    controller.abort()
  }
  const onAbort = () => endWith(() => signal?.reason ?? abortError())
  const onTimeout = () =>
    endWith(() => new BasaltError('timeout', `There was no answer within ${timeoutMs} ms.`))

  if (signal?.aborted) throw signal.reason ?? abortError()
  signal?.addEventListener('abort', onAbort)
  const timer = setTimeout(onTimeout, Math.min(timeoutMs, longestTimer))
  try {
    return await work(controller.signal)
  } catch (error) {
    throw end === undefined ? error : end()
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Waits, but not past the signal. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    const onAbort = () => {
      clearTimeout(timer)
      reject(abortError())
    }
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

export function abortError(): Error {
  const error = new Error('The operation was aborted.')
  error.name = 'AbortError'
  return error
}
