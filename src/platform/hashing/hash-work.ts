import { hashSync, type Options as Argon2Options, verifySync } from '@node-rs/argon2'
import { type ForeignHash, verifyForeign } from './foreign-hashes.ts'

/** What a thread for hashing is asked to do. */
export type HashWork =
  | { do: 'hash'; password: string; cost: Argon2Options }
  | { do: 'verify'; password: string; hash: string }
  /** Where that fails, `otherwise` is verified too: a cheap hash must not be answered sooner than none. */
  | { do: 'verify-foreign'; password: string; hash: ForeignHash; otherwise: string }

export interface HashResults {
  hash: string
  verify: boolean
  'verify-foreign': boolean
}

/** Takes a processor for a while, and the thread with it. */
export function doHashWork(work: HashWork): string | boolean {
  switch (work.do) {
    case 'hash':
      return hashSync(work.password, work.cost)
    case 'verify':
      return verifySync(work.hash, work.password)
    case 'verify-foreign':
      if (verifyForeign(work.hash, work.password)) return true
      verifySync(work.otherwise, work.password)
      return false
  }
}
