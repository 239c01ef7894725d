import { type Argon2Cost, hashArgon2, verifyArgon2 } from './argon2.ts'
import { type ForeignHash, verifyForeign } from './foreign-hashes.ts'

/** What a thread for hashing is asked to do. */
export type HashWork =
  | { do: 'hash'; password: string; cost: Argon2Cost }
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
      return hashArgon2(work.password, work.cost)
    case 'verify':
      return verifyArgon2(work.hash, work.password)
    case 'verify-foreign':
      if (verifyForeign(work.hash, work.password)) return true
      verifyArgon2(work.otherwise, work.password)
      return false
  }
}
