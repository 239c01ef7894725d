import type { BasaltError } from '../basalt-error.ts'
import type { Link } from './link.ts'

/**
 * The one socket of a client:
 *
 *            first stream              open, token sent
 *      idle ─────────────► connecting ◄─────────────────► connected
 *       ▲                   ▲     │ │   another user, on     │
 *       │                   │     │ │   the same link; 4401, │
 *       │                   │     │ │   with a fresh token   │
 *       │                   │     │ └── failed ──┐           │ lost, silent
 *       │                   │     │              ▼           │
 *       │                   ├─────┼─────────── waiting ◄─────┘
 *       │                   │     │  time is up, online, looked at
 *       │                   │     └── no good credentials ──► refused
 *       │                   └───────────────────────────────────┘
 *       │                     another user or stream, reconnect()
 *       └── from each of them: close(), or some seconds without a stream
 */
export type ConnectionState =
  | { readonly status: 'idle' }
  | { readonly status: 'connecting' }
  | { readonly status: 'connected' }
  /** Until `retryAt`, by this device's clock. */
  | { readonly status: 'waiting'; readonly retryAt: number }
  | { readonly status: 'refused'; readonly error: BasaltError }

export type Timer = ReturnType<typeof setTimeout>

/** The same, with what belongs to each state and ends with it. */
export type OwnState =
  | { readonly status: 'idle' }
  | { readonly status: 'connecting'; readonly link: Link | null; readonly timer: Timer }
  /** Connecting, for those outside: the link is open, the next user's token on its way. */
  | { readonly status: 'changing'; readonly link: Link; readonly timer: Timer }
  | { readonly status: 'connected'; readonly link: Link }
  | { readonly status: 'waiting'; readonly retryAt: number; readonly timer: Timer }
  | { readonly status: 'refused'; readonly error: BasaltError }

export function showState(state: OwnState): ConnectionState {
  switch (state.status) {
    case 'idle':
    case 'refused':
      return state
    case 'changing':
      return { status: 'connecting' }
    case 'waiting':
      return { status: 'waiting', retryAt: state.retryAt }
    case 'connecting':
    case 'connected':
      return { status: state.status }
  }
}

/** Ends what belongs to a state, but for the link that goes on into the next. */
export function leaveState(state: OwnState, next: OwnState): void {
  if ('timer' in state) clearTimeout(state.timer)
  const goesOn = 'link' in state && 'link' in next && state.link === next.link
  if ('link' in state && !goesOn) state.link?.drop()
}
