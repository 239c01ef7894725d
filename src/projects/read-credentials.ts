import type { FastifyRequest } from 'fastify'
import type { IncomingHttpHeaders } from 'node:http'
import { forbidden, unauthenticated } from '../platform/errors.ts'

/** Lengths and prefixes of what `newSecret` makes: what doesn't look like it is refused without a query. */
const keyPattern = /^[ps]k_[A-Za-z0-9_-]{32}$/
const operatorTokenPattern = /^op_[A-Za-z0-9_-]{32}$/

const scheme = /^bearer +/i

/**
 * Undefined without an `Authorization` header. Throws `unauthenticated` for other schemes. Whatever stands after
 * `Bearer` is the credential: what is none is found nowhere.
 */
export function readBearer(headers: IncomingHttpHeaders): string | undefined {
  const header = headers.authorization
  if (header === undefined || header === '') return undefined
  const start = header.startsWith('Bearer ') && header[7] !== ' ' ? 7 : scheme.exec(header)?.[0].length
  if (start === undefined || start === header.length)
    throw unauthenticated('Send Authorization: Bearer <token>.')
  return header.slice(start)
}

/** `x-api-key`, or `?key=` where headers can't be set. Undefined without either. */
export function readApiKey(request: FastifyRequest<{ Querystring: { key?: unknown } }>): string | undefined {
  const header = request.headers['x-api-key']
  if (header !== undefined && header !== '') return checkedKey(header)
  const { key } = request.query
  if (key === undefined) return undefined
  // Addresses end up in logs and histories.
  if (typeof key === 'string' && key.startsWith('sk_')) {
    throw unauthenticated(
      'A secret key must not stand in an address. Revoke it, and send the new one in a header.',
    )
  }
  return checkedKey(key)
}

function checkedKey(key: unknown): string {
  if (typeof key !== 'string' || !isKey(key)) throw unauthenticated('The key is not valid.')
  return key
}

export function isKey(token: string): boolean {
  return keyPattern.test(token)
}

export function isOperatorToken(token: string): boolean {
  return operatorTokenPattern.test(token)
}

/** `__Host-`: only this origin can set it, only over HTTPS, for the whole site. */
export function sessionCookieName(publicUrl: string): string {
  return publicUrl.startsWith('https:') ? '__Host-basalt_session' : 'basalt_session'
}

/**
 * The operator's token from the cookie. A browser sends cookies whoever made it send the request, so what
 * changes something, or opens a socket, must come from our own pages: throws `forbidden` otherwise.
 */
export function readSessionCookie(request: FastifyRequest, publicUrl: string): string | undefined {
  const token = findCookie(request.headers.cookie, sessionCookieName(publicUrl))
  if (token === undefined || !isOperatorToken(token)) return undefined
  const isSafe = safeMethods.has(request.method) && request.headers.upgrade === undefined
  if (!isSafe && !comesFromOurPages(request.headers, publicUrl)) {
    throw forbidden('A request with the session cookie must come from the console itself.')
  }
  return token
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A browser says itself whether a page of the same origin asks, whatever name the operator knows this server by; one
 * that doesn't must name the public address.
 */
function comesFromOurPages(headers: IncomingHttpHeaders, publicUrl: string): boolean {
  if (headers.origin === 'null') return false
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  return headers.origin === new URL(publicUrl).origin
}

function findCookie(header: string | undefined, name: string): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const [key, value] = part.trim().split('=', 2)
    if (key === name) return value
  }
  return undefined
}
