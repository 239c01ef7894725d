/** How long a call may take. */
export interface TimeLimit {
  /** Aborted when the time is over, or the caller has gone. */
  readonly signal: AbortSignal
  readonly isOver: boolean
  /** The call has ended. */
  end(): void
}

/**
 * `AbortSignal.timeout` can't be taken back: each call would leave a timer for half a minute, thousands a second, and
 * `AbortSignal.any` costs three times as much as this.
 */
export function limitTime(milliseconds: number, caller: AbortSignal | undefined): TimeLimit {
  const controller = new AbortController()
  let isOver = false
  const timer = setTimeout(() => {
    isOver = true
    controller.abort(new Error('the time is over'))
  }, milliseconds).unref()
  const onGone = (): void => controller.abort(caller?.reason)
  if (caller?.aborted === true) onGone()
  caller?.addEventListener('abort', onGone, { once: true })
  return {
    signal: controller.signal,
    get isOver() {
      return isOver
    },
    end() {
      clearTimeout(timer)
      caller?.removeEventListener('abort', onGone)
    },
  }
}
