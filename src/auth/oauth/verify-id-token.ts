import { createHash } from 'node:crypto'
import type { JWTPayload } from 'jose'
import { OutboundError } from '../../platform/outbound-http.ts'
import type { Project } from '../../projects/project.ts'
import { idTokenInvalid, noIdTokens, providerUnavailable } from './errors.ts'
import type { ProvenAccount } from './exchange-code.ts'
import type { ProviderClient, ProviderClients } from './provider-clients.ts'
import { accountFromClaims } from './providers.ts'

/** What a native app got from the provider's SDK. */
export interface NativeIdToken {
  provider: string
  idToken: string
  /** What the app gave to the SDK, or what the SDK's `nonce` is the SHA-256 of, in hex, as Apple's custom is. */
  nonce?: string
  /** Checked against the id token's `at_hash`, if given. */
  accessToken?: string
}

/** Asymmetric only: with HS256 whoever knows the client's secret, which apps carry about, could sign. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/**
 * Who an id token is about (OpenID Connect Core, section 3.1.3.7). Keys come from the provider's own list and from
 * nowhere that the token names. Throws `unauthenticated`.
 */
export async function verifyIdToken(
  clients: ProviderClients,
  project: Project,
  { provider, idToken, nonce, accessToken }: NativeIdToken,
): Promise<ProvenAccount> {
  const client = await clients.of(project, provider)
  const audiences = [client.settings.clientId, ...(client.settings.audiences ?? [])]
  const claims = await verifySignature(client, idToken, audiences)
  if (!isIssuedBy(client, claims)) throw idTokenInvalid('issuer')
  if (!isForUs(claims, audiences)) throw idTokenInvalid('authorised party')
  if (!hasNonce(claims, nonce)) throw idTokenInvalid('nonce')
  if (accessToken !== undefined && !isHashOf(claims.at_hash, accessToken)) throw idTokenInvalid('at_hash')
  const account = accountFromClaims(client.preset, claims)
  if (account === null) throw idTokenInvalid('subject')
  return { provider, account }
}

async function verifySignature(
  { keys }: ProviderClient,
  idToken: string,
  audience: string[],
): Promise<JWTPayload> {
  if (keys === null) throw noIdTokens()
  const { jwtVerify, errors } = await import('jose')
  try {
    const { payload } = await jwtVerify(idToken, keys, {
      algorithms,
      audience,
      requiredClaims: ['iss', 'sub', 'exp', 'iat'],
      clockTolerance: 30,
    })
    return payload
  } catch (error) {
    if (error instanceof OutboundError || error instanceof errors.JWKSTimeout)
      throw providerUnavailable(error)
    if (error instanceof errors.JOSEError || error instanceof TypeError) throw idTokenInvalid(error)
    throw error
  }
}

/** Microsoft's issuer has the tenant's id in it, which the token tells. */
function isIssuedBy({ configuration, name }: ProviderClient, { iss, tid, iat = 0 }: JWTPayload): boolean {
  if (iat > Date.now() / 1000 + 30) return false
  const { issuer } = configuration.serverMetadata()
  if (name !== 'microsoft' || !issuer.includes('{tenantid}')) return iss === issuer
  return typeof tid === 'string' && /^[0-9a-f-]{36}$/.test(tid) && iss === issuer.replace('{tenantid}', tid)
}

/** A token for several must say which of them asked for it, and that must be one of ours. */
function isForUs({ aud, azp }: JWTPayload, audiences: string[]): boolean {
  if (azp === undefined) return !Array.isArray(aud) || aud.length === 1
  return typeof azp === 'string' && audiences.includes(azp)
}

/** A token that was made for a nonce is worth nothing without it, nor is a nonce without a token that has it. */
function hasNonce({ nonce: found }: JWTPayload, given: string | undefined): boolean {
  if (found === undefined || given === undefined) return found === given
  return found === given || found === createHash('sha256').update(given).digest('hex')
}

/** OpenID Connect Core, section 3.1.3.6, with the hash of every algorithm's size. */
function isHashOf(atHash: unknown, accessToken: string): boolean {
  return ['sha256', 'sha384', 'sha512'].some((name) => {
    const hash = createHash(name).update(accessToken).digest()
    return atHash === hash.subarray(0, hash.length / 2).toString('base64url')
  })
}
