import { readClaims } from './read-claims.ts'

/** What users say of themselves, if the client isn't told more. */
export type UntypedProfile = Readonly<Record<string, unknown>>

/** A user of the app, as the server shows users to themselves. Times are ISO 8601, UTC. */
export interface User<Profile = UntypedProfile> {
  readonly id: string
  readonly email: string | null
  readonly isEmailVerified: boolean
  /** E.164. */
  readonly phone: string | null
  readonly isPhoneVerified: boolean
  readonly isAnonymous: boolean
  readonly profile: Profile
  readonly roles: readonly string[]
  readonly claims: Readonly<Record<string, unknown>>
  readonly createdAt: string
  readonly updatedAt: string
  readonly lastSignInAt: string | null
}

/** What every way in answers. */
export interface Session<Profile = UntypedProfile> {
  readonly user: User<Profile>
  readonly accessToken: string
  readonly refreshToken: string
  /** When the access token ends by the server's clock, ISO 8601. */
  readonly expiresAt: string
  /** Until a second factor is shown, or set up, the session is good for nothing else. */
  readonly factorRequired: boolean
}

/** A session with the time, by this device's own clock, from which its access token should be exchanged. */
export interface KeptSession<Profile> extends Session<Profile> {
  readonly refreshAt: number
}

/** A token that ends while its request is on the way would be refused. */
const longestHeadStartMs = 60_000

/**
 * What is kept of a session that just arrived. Only the token's length of life counts, from now on: the device's
 * clock may be hours off the server's.
 */
export function keepSession<Profile>(session: Session<Profile>, now = Date.now()): KeptSession<Profile> {
  const lifetimeMs = readLifetimeMs(session.accessToken) ?? Date.parse(session.expiresAt) - now
  return { ...session, refreshAt: now + lifetimeMs - Math.min(longestHeadStartMs, lifetimeMs / 4) }
}

/** Reads a session out of a storage, which may hold anything. */
export function parseSession<Profile>(text: string | null): KeptSession<Profile> | null {
  if (text === null) return null
  try {
    const kept: KeptSession<Profile> | null = JSON.parse(text)
    const isWhole = typeof kept?.refreshToken === 'string' && typeof kept.accessToken === 'string'
    return isWhole && typeof kept.user?.id === 'string' ? kept : null
  } catch {
    return null
  }
}

/** Null if the token doesn't tell. */
function readLifetimeMs(token: string): number | null {
  const { exp = 0, iat = 0 } = readClaims(token) ?? {}
  return exp > iat ? (exp - iat) * 1000 : null
}
