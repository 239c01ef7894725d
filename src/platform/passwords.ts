import argon2 from 'argon2'
import { availableParallelism } from 'node:os'
import { unavailable } from './errors.ts'

/** In characters. No rules of composition, no truncation. */
export const passwordLength = { min: 8, max: 128 } as const

// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
const cost = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

// A burst of sign-ins must not become a burst of memory: as many at once as there are processors, and a
// queue that says when it is full.
const maxRunning = availableParallelism()
const maxWaiting = 64
const waiting: (() => void)[] = []
let running = 0

/** Throws `unavailable` when too many passwords wait already. */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() => argon2.hash(normalise(password), cost))
}

/**
 * Without a hash it takes as long and answers false, so that nobody learns from the time whether an account
 * exists. Throws `unavailable` when too many passwords wait already.
 */
export function verifyPassword(hash: string | null, password: string): Promise<boolean> {
  return inTurn(async () => {
    const matches = await argon2.verify(hash ?? (await dummyHash()), normalise(password))
    return matches && hash !== null
  })
}

/** Whether the hash, which may come from elsewhere, is of another kind or cost than ours. */
export function needsRehash(hash: string): boolean {
  return !hash.startsWith('$argon2id$') || argon2.needsRehash(hash, cost)
}

/** The same letters come composed or decomposed, depending on the keyboard. */
function normalise(password: string): string {
  return password.normalize('NFC')
}

let dummy: Promise<string> | undefined

function dummyHash(): Promise<string> {
  dummy ??= argon2.hash(crypto.randomUUID(), cost)
  return dummy
}

/** Runs what costs as much as hashing a password. Throws `unavailable` when too much waits already. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running < maxRunning) running++
  else if (waiting.length < maxWaiting) await new Promise<void>((resolve) => waiting.push(resolve))
  else throw unavailable('Too many sign-ins at once; try again in a moment.', 2)
  try {
    return await work()
  } finally {
    // The place is handed over, so `running` stays as it is when somebody waits.
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}
