import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import type { Project } from '../../projects/project.ts'
import { algorithm, type SigningKeys } from './signing-keys.ts'

/** What a token is made of beside the standard claims. */
export interface TokenSubject {
  uid: string
  sessionId: string
  email: string | null
  roles: readonly string[]
  claims: Readonly<Record<string, unknown>>
  amr: readonly string[]
  assurance: number
  /** The operator who acts as the user. */
  impersonator: string | null
}

/** Seconds. Short, since other services verify tokens without asking us whether the session still stands. */
const accessTokenSeconds = 15 * 60

/** `iss`: the project's URL. Never made from a request header. */
export function issuerOf(publicUrl: string, project: Project): string {
  return `${publicUrl}/v1/projects/${project.ref}`
}

/** A JWT (RFC 7519, profile of RFC 9068): who the user is, for whoever has the project's JWKS. */
export async function issueAccessToken(
  keys: SigningKeys,
  publicUrl: string,
  project: Project,
  subject: TokenSubject,
): Promise<{ token: string; expiresAt: Date }> {
  const signing = (await keys.of(project)).keys.find(({ sign }) => sign !== null)
  if (!signing?.sign) throw new Error('the project has no signing key')
  const { uid, sessionId, email, roles, claims, amr, assurance, impersonator } = subject
  const expiresAt = Math.floor(Date.now() / 1000) + accessTokenSeconds
  const act = impersonator === null ? {} : { act: { sub: impersonator } }
  const token = await new SignJWT({ sid: sessionId, email, roles, claims, amr, aal: assurance, ...act })
    .setProtectedHeader({ alg: algorithm, kid: signing.id, typ: 'JWT' })
    .setIssuer(issuerOf(publicUrl, project))
    .setAudience(project.ref)
    .setSubject(uid)
    .setIssuedAt()
    .setExpirationTime(expiresAt)
    .sign(signing.sign)
  return { token, expiresAt: new Date(expiresAt * 1000) }
}

/** What a valid token says of its session. */
export interface VerifiedToken {
  sessionId: string
  uid: string
  /** Milliseconds since 1970. */
  expiresAt: number
}

/**
 * Null unless one of the project's own keys signed it, for this project, and it is neither over nor from the future.
 * The key is found by its id among the project's; nothing else in the header is looked at (RFC 8725, sections 3.1, 3.10).
 */
export async function verifyAccessToken(
  keys: SigningKeys,
  publicUrl: string,
  project: Project,
  token: string,
): Promise<VerifiedToken | null> {
  try {
    const { kid } = decodeProtectedHeader(token)
    const key = (await keys.of(project)).keys.find(({ id }) => id === kid)
    if (key === undefined) return null
    const { payload } = await jwtVerify(token, key.verify, {
      algorithms: [algorithm],
      issuer: issuerOf(publicUrl, project),
      audience: project.ref,
      typ: 'JWT',
      requiredClaims: ['sub', 'sid', 'exp', 'iat'],
      maxTokenAge: accessTokenSeconds + 5,
      clockTolerance: 5,
    })
    const { sub, sid, exp } = payload
    if (typeof sub !== 'string' || typeof sid !== 'string' || exp === undefined) return null
    return { sessionId: sid, uid: sub, expiresAt: exp * 1000 }
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_J')) return null
    if (error instanceof TypeError) return null
    throw error
  }
}
