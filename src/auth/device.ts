import type { FastifyRequest } from 'fastify'

/** Where a session is opened from, for the list of one's sessions. */
export interface Device {
  /** What the app calls it: `Ada's phone`. */
  name: string | null
  userAgent: string | null
  ip: string
}

export function deviceOf(request: FastifyRequest): Device {
  const { 'user-agent': userAgent, 'x-device-name': name } = request.headers
  return {
    name: typeof name === 'string' ? storable(name).slice(0, 100) : null,
    userAgent: userAgent === undefined ? null : storable(userAgent).slice(0, 400),
    ip: request.ip,
  }
}

function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '')
}
