import { parseOptions } from '@node-rs/argon2'
import { runHashWork } from './hashing/hash-threads.ts'

/** In characters. No rules of composition, no truncation. */
export const passwordLength = { min: 8, max: 128 } as const

// OWASP asks for 19 MiB and two passes at least. A third pass makes each guess half as dear again; more memory would
// leave the caches that requests share with it.
const cost = { memoryCost: 19_456, timeCost: 3, parallelism: 1 } as const
/** How the PHC strings of our hashes begin. */
const ours = `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$`

/** Throws `unavailable` when too many passwords wait already. */
export function hashPassword(password: string): Promise<string> {
  return runHashWork({ do: 'hash', password: normalise(password), cost })
}

/**
 * Without a hash it takes as long and answers false, so that nobody learns from the time whether an account
 * exists. Throws `unavailable` when too many passwords wait already.
 */
export async function verifyPassword(hash: string | null, password: string): Promise<boolean> {
  const work = { do: 'verify', password: normalise(password), hash: hash ?? dummyHash } as const
  return (await runHashWork(work)) && hash !== null
}

/** Whether a hash from elsewhere can be verified: its parameters are possible ones, and its bytes are well written. */
export function isArgon2Hash(text: string): boolean {
  try {
    parseOptions(text)
    return true
  } catch {
    return false
  }
}

/** Whether the hash, which may come from elsewhere, is of another kind or cost than ours, or written in another order. */
export function needsRehash(text: string): boolean {
  return !text.startsWith(ours)
}

/** The same letters come composed or decomposed, depending on the keyboard. */
function normalise(password: string): string {
  return password.normalize('NFC')
}

/** Of nothing: only how long it takes matters. */
export const dummyHash = `${ours}${'A'.repeat(22)}$${'A'.repeat(43)}`
