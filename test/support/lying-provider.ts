import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

type Key = CryptoKey | Uint8Array

/** An OpenID Connect provider that says what it is told to, true or not. */
export interface LyingProvider {
  issuer: string
  /** The next id tokens, at the token endpoint. */
  nextToken: (nonce: string | null) => Promise<string>
  /** What the token endpoint was last asked with. */
  lastRequest: URLSearchParams
  /** How often somebody asked for keys that are not the provider's own. */
  foreignKeyRequests: number
  /** Claims that are all right, for the client of the test. */
  claims(changed?: Record<string, unknown>): Record<string, unknown>
  /** Signs with the provider's key, or with another. */
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>, key?: Key): Promise<string>
  /** A key that the provider does not have. */
  foreign: { key: CryptoKey; jwk: JWK }
  publicJwk: JWK
  stop(): Promise<void>
}

export async function startLyingProvider(clientId: string): Promise<LyingProvider> {
  const own = await generateKeyPair('RS256', { extractable: true })
  const other = await generateKeyPair('RS256', { extractable: true })
  const publicJwk = { ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'RS256', use: 'sig' }
  const foreignJwk = { ...(await exportJWK(other.publicKey)), kid: 'own', alg: 'RS256', use: 'sig' }
  let nonce: string | null = null
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const self: LyingProvider = {
    issuer,
    nextToken: (asked) => self.sign(self.claims({ nonce: asked })),
    lastRequest: new URLSearchParams(),
    foreignKeyRequests: 0,
    foreign: { key: other.privateKey, jwk: foreignJwk },
    publicJwk,
    claims(changed = {}) {
      const now = Math.floor(Date.now() / 1000)
      const plain = { iss: issuer, aud: clientId, sub: 'mallory', iat: now, exp: now + 300 }
      const all = { ...plain, email: 'victim@example.com', email_verified: true, ...changed }
      return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
    },
    sign(claims, header = {}, key = own.privateKey) {
      return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'own', ...header }).sign(key)
    },
    stop: () => stop(server),
  }
  const answers: Record<string, (url: URL) => unknown> = {
    '/.well-known/openid-configuration': () => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    }),
    '/jwks': () => ({ keys: [publicJwk] }),
    '/foreign-jwks': () => {
      self.foreignKeyRequests += 1
      return { keys: [foreignJwk] }
    },
    '/token': async () => ({
      access_token: 'opaque',
      token_type: 'bearer',
      id_token: await self.nextToken(nonce),
    }),
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(request, 'end')
    const url = new URL(request.url ?? '/', issuer)
    if (url.pathname === '/authorize') {
      nonce = url.searchParams.get('nonce')
      const back = new URL(url.searchParams.get('redirect_uri') ?? '')
      back.searchParams.set('code', 'a code')
      back.searchParams.set('state', url.searchParams.get('state') ?? '')
      response.writeHead(302, { location: back.href }).end()
      return
    }
    if (url.pathname === '/token') self.lastRequest = new URLSearchParams(String(Buffer.concat(chunks)))
    const body = (await answers[url.pathname]?.(url)) ?? null
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  }
  server.on('request', (request, response) => void answer(request, response))
  return self
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
