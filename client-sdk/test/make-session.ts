import type { Session } from '../src/client.ts'

let tokens = 0

/** A session as the server answers it; the token's life is what counts, not what the clocks say. */
export function session({
  lifeSeconds = 900,
  clockOff = 0,
  factorRequired = false,
  id = 'u1',
} = {}): Session {
  const iat = Math.floor(Date.now() / 1000) + clockOff
  const payload = { sub: id, iat, exp: iat + lifeSeconds, n: ++tokens }
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  return {
    user: {
      id,
      email: 'ada@example.com',
      isEmailVerified: true,
      phone: null,
      isPhoneVerified: false,
      isAnonymous: false,
      profile: { name: 'Ada €' },
      roles: [],
      claims: {},
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:00:00.000Z',
      lastSignInAt: null,
    },
    accessToken: `${encode({ alg: 'ES256' })}.${encode(payload)}.signature`,
    refreshToken: `refresh-${tokens}`,
    expiresAt: new Date((iat + lifeSeconds) * 1000).toISOString(),
    factorRequired,
  }
}
