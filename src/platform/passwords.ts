import { type Argon2Cost, readArgon2 } from './hashing/argon2.ts'
import { runHashWork } from './hashing/hash-threads.ts'

/** In characters. No rules of composition, no truncation. */
export const passwordLength = { min: 8, max: 128 } as const

// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
const cost: Argon2Cost = { algorithm: 'argon2id', memory: 19_456, passes: 2, parallelism: 1 }

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

/** Whether the hash, which may come from elsewhere, is of another kind or cost than ours. */
export function needsRehash(text: string): boolean {
  const hash = readArgon2(text)
  if (hash === null) return true
  const { algorithm, memory, passes, parallelism } = hash
  return (
    algorithm !== cost.algorithm ||
    memory !== cost.memory ||
    passes !== cost.passes ||
    parallelism !== cost.parallelism
  )
}

/** The same letters come composed or decomposed, depending on the keyboard. */
function normalise(password: string): string {
  return password.normalize('NFC')
}

/** Of nothing: only how long it takes matters. */
export const dummyHash = `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`
