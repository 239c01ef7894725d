import bcrypt from 'bcryptjs'
import { createCipheriv, pbkdf2Sync, scryptSync, timingSafeEqual } from 'node:crypto'

/** A hash that another system made, as an import names it. */
export type ForeignHash =
  /** `$2b$12$…` */
  | { kind: 'bcrypt'; hash: string }
  /** Salt and hash in base64. */
  | { kind: 'pbkdf2'; digest: 'sha1' | 'sha256' | 'sha512'; iterations: number; salt: string; hash: string }
  /**
   * Firebase's modified scrypt: the parameters of the project, and salt and hash of the user, in base64.
   * https://github.com/firebase/scrypt
   */
  | {
      kind: 'firebase-scrypt'
      salt: string
      hash: string
      signerKey: string
      saltSeparator: string
      rounds: number
      memoryCost: number
    }

/** Takes a processor as long as the hash says. */
export function verifyForeign(hash: ForeignHash, password: string): boolean {
  switch (hash.kind) {
    case 'bcrypt':
      return bcrypt.compareSync(password, hash.hash)
    case 'pbkdf2': {
      const expected = Buffer.from(hash.hash, 'base64')
      const salt = Buffer.from(hash.salt, 'base64')
      return isSame(expected, pbkdf2Sync(password, salt, hash.iterations, expected.length, hash.digest))
    }
    case 'firebase-scrypt':
      return verifyFirebase(hash, password)
  }
}

/** scrypt derives a key, which encrypts the signer key: the ciphertext is the hash. */
function verifyFirebase(hash: Extract<ForeignHash, { kind: 'firebase-scrypt' }>, password: string): boolean {
  const salt = Buffer.concat([Buffer.from(hash.salt, 'base64'), Buffer.from(hash.saltSeparator, 'base64')])
  const options = { N: 2 ** hash.memoryCost, r: hash.rounds, p: 1, maxmem: 256 * 1024 * 1024 }
  const key = scryptSync(password, salt, 32, options)
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const made = Buffer.concat([cipher.update(Buffer.from(hash.signerKey, 'base64')), cipher.final()])
  return isSame(Buffer.from(hash.hash, 'base64'), made)
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
