import { BasaltError } from '../basalt-error.ts'
import { toBase64Url } from './base64url.ts'

/** What the address of a page says that a provider, or a link in a mail, has sent the browser back to. */
export type RedirectAnswer =
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'error'; readonly error: string }

/** Reads the fragment of an address; null if it brings nothing for signing in. */
export function readRedirect(address: string): RedirectAnswer | null {
  const [, fragment = ''] = address.split('#', 2)
  const parameters = new URLSearchParams(fragment)
  const error = parameters.get('error')
  if (error !== null) return { kind: 'error', error }
  const code = parameters.get('code')
  if (code !== null) return { kind: 'code', code }
  const token = parameters.get('token')
  return token === null ? null : { kind: 'token', token }
}

/** A verifier and its challenge (RFC 7636, S256): who carries the code off can't exchange it. */
export async function makePkce(): Promise<{ codeVerifier: string; codeChallenge: string }> {
  if (globalThis.crypto?.subtle === undefined) {
    throw new TypeError('Signing in at a provider needs Web Crypto: a page on HTTPS, or a polyfill')
  }
  const codeVerifier = toBase64Url(crypto.getRandomValues(new Uint8Array(32)))
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(codeVerifier))
  return { codeVerifier, codeChallenge: toBase64Url(digest) }
}

/** What the browser came back with instead of a code: `access_denied`, `provider_failed` and others. */
export function redirectError(error: string): BasaltError {
  return new BasaltError(error, `The provider did not sign the user in: ${error}.`)
}
