import { timingSafeEqual } from 'node:crypto'
import type { SecretBox } from '../../platform/secret-box.ts'

/** Which refresh token of which session. */
export interface RefreshToken {
  sessionId: string
  /** The first token of a session is 1, the one that it is exchanged for 2, and so on. */
  generation: number
}

/**
 * A refresh token names its session and its number, under a keyed hash. Nothing of it is stored but the number of the
 * newest one in the session's row: so a token that comes again is recognised however old it is, and ten tabs that
 * refresh at once get one and the same successor.
 */
export function makeRefreshToken(box: SecretBox, { sessionId, generation }: RefreshToken): string {
  const body = `${sessionId}.${generation}`
  return `rt_${body}.${box.mac(body)}`
}

/** Null unless this server made it. */
export function readRefreshToken(box: SecretBox, text: string): RefreshToken | null {
  const match = /^rt_([A-Za-z0-9-]{1,64})\.([1-9]\d{0,8})\.([A-Za-z0-9_-]{43})$/.exec(text)
  const [, sessionId, generation, mac] = match ?? []
  if (sessionId === undefined || generation === undefined || mac === undefined) return null
  const matches = box
    .macs(`${sessionId}.${generation}`)
    .some((expected) => timingSafeEqual(Buffer.from(mac), Buffer.from(expected)))
  return matches ? { sessionId, generation: Number(generation) } : null
}
