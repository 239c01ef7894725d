import type { VerifiedToken } from './access-token.ts'

/** What was found in a token of this project. */
type Found = VerifiedToken & { projectId: string }

/**
 * Tokens whose signature was found right, the oldest forgotten first. V8 makes every text that a map is asked for a
 * symbol of its own, which for a token of 500 characters takes longer than all else that is asked of it; so the map's
 * keys are numbers, of the last characters of the signature. Where two tokens share one, the later is remembered.
 */
export class VerifiedTokens {
  readonly #maxEntries: number
  readonly #entries = new Map<number, { token: string; found: Found }>()

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  get(token: string): Found | undefined {
    const entry = this.#entries.get(keyOf(token))
    return entry?.token === token ? entry.found : undefined
  }

  set(token: string, found: Found): void {
    const oldest = this.#entries.size >= this.#maxEntries ? this.#entries.keys().next() : undefined
    if (oldest?.done === false) this.#entries.delete(oldest.value)
    this.#entries.set(keyOf(token), { token, found })
  }

  delete(token: string): void {
    this.#entries.delete(keyOf(token))
  }
}

// Base64url has six bits in a character, and V8 thirty in a number that it needs no memory for.
const keyLength = 5

function keyOf(token: string): number {
  let key = 0
  for (let at = token.length - keyLength; at < token.length; at += 1) key = (key << 6) ^ token.charCodeAt(at)
  return key & 0x3fffffff
}
