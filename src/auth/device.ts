import type { FastifyRequest } from 'fastify'

/** Where a session is opened from, for the list of one's sessions. */
export interface Device {
  /** What the app calls it: `Ada's phone`. */
  name: string | null
  userAgent: string | null
  ip: string
  /** What the reader of a mail understands, the best first: `de-AT`. */
  languages: readonly string[]
}

export function deviceOf(request: FastifyRequest): Device {
  const { 'user-agent': userAgent, 'x-device-name': name } = request.headers
  return {
    name: typeof name === 'string' ? storable(decoded(name), 100) : null,
    userAgent: userAgent === undefined ? null : storable(userAgent, 400),
    ip: request.ip,
    languages: languagesOf(request.headers['accept-language'] ?? ''),
  }
}

/** The first few of `Accept-Language` (RFC 9110, section 12.5.4), which clients send in order of preference. */
function languagesOf(header: string): string[] {
  return header
    .slice(0, 200)
    .split(',')
    .map((part) => part.split(';', 1)[0]?.trim() ?? '')
    .filter((tag) => /^[a-z]{2}(-[A-Z]{2})?$/.test(tag))
    .slice(0, 5)
}

/** Headers carry ASCII only, so other letters come percent-encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function storable(text: string, maxLength: number): string {
  return text.replaceAll('\0', '').slice(0, maxLength).toWellFormed()
}
