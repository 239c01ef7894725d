import type { AuthState, SessionKeeper } from '../auth/session-keeper.ts'
import { BasaltError } from '../basalt-error.ts'
import { createTransport, type TokenProvider, type TransportOptions } from '../transport.ts'
import type { Credentials } from './credentials.ts'

/** What no other try changes. `not_found`: there is no such project. */
const lastingCodes = new Set<string>(['unauthenticated', 'forbidden', 'not_found'])

type Connection = Omit<TransportOptions, 'accessToken'>

/**
 * What a socket shows of who it speaks for: a publishable key in its URL, and a secret key or a user's token in a
 * message, since URLs end up in logs.
 *
 * @param keeper null where tokens come from elsewhere
 */
export function socketCredentials<Profile>(
  connection: Connection,
  accessToken: TokenProvider,
  keeper: SessionKeeper<Profile> | null,
): Credentials {
  const { baseUrl, key } = connection
  const isSecret = key?.startsWith('sk_') === true
  const query = key === null || isSecret ? '' : `?key=${encodeURIComponent(key)}`
  // Once: whoever waits for the socket tries again anyway.
  const transport = createTransport({ ...connection, accessToken, retries: 0 })
  return {
    url: `${baseUrl.replace(/^http/, 'ws')}/realtime${query}`,
    admitsAnonymous: query !== '',
    token: isSecret ? () => key : accessToken,
    onUserChange: (callback) => (keeper === null || isSecret ? () => {} : followUser(keeper, callback)),
    findRefusal: async () => {
      try {
        await transport.empty({ method: 'GET', path: '/realtime' })
      } catch (error) {
        if (error instanceof BasaltError && lastingCodes.has(error.code)) return error
      }
      return null
    },
  }
}

function followUser<Profile>(
  keeper: SessionKeeper<Profile>,
  callback: (isOther: boolean) => void,
): () => void {
  let last: AuthState<Profile> = { status: 'loading' }
  return keeper.subscribe((state) => {
    const before = last
    last = state
    if (before.status === 'loading') return
    const [old, now] = [userOf(before), userOf(state)]
    if (old !== now || before.status !== state.status) callback(old !== null && old !== now)
  })
}

function userOf(state: AuthState<unknown>): string | null {
  return 'user' in state ? state.user.id : null
}
