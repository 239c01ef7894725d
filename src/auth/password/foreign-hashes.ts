import type { ForeignHash } from '../../platform/hashing/foreign-hashes.ts'
import { runHashWork } from '../../platform/hashing/hash-threads.ts'
import { dummyHash } from '../../platform/passwords.ts'

/** How imported hashes are stored: `$foreign$` and the hash as JSON. */
const prefix = '$foreign$'

export function foreignHash(hash: ForeignHash): string {
  return prefix + JSON.stringify(hash)
}

export function isForeignHash(stored: string): boolean {
  return stored.startsWith(prefix)
}

/** Throws `unavailable` when too many passwords wait already. */
export function verifyForeignHash(stored: string, password: string): Promise<boolean> {
  const hash: ForeignHash = JSON.parse(stored.slice(prefix.length))
  return runHashWork({ do: 'verify-foreign', hash, password, otherwise: dummyHash })
}
