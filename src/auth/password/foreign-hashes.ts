import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { inTurn } from '../../platform/passwords.ts'

const runPbkdf2 = promisify(pbkdf2)

/** How imported hashes are stored: `$foreign$bcrypt$…`, made by `foreignHash`. */
const prefix = '$foreign$'

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

export function foreignHash(hash: ForeignHash): string {
  return prefix + JSON.stringify(hash)
}

export function isForeignHash(stored: string): boolean {
  return stored.startsWith(prefix)
}

/** Throws `unavailable` when too many passwords wait already. */
export function verifyForeignHash(stored: string, password: string): Promise<boolean> {
  const hash: ForeignHash = JSON.parse(stored.slice(prefix.length))
  return inTurn(() => verify(hash, password))
}

async function verify(hash: ForeignHash, password: string): Promise<boolean> {
  switch (hash.kind) {
    case 'bcrypt': {
      const { default: bcrypt } = await import('bcryptjs')
      return bcrypt.compare(password, hash.hash)
    }
    case 'pbkdf2': {
      const expected = Buffer.from(hash.hash, 'base64')
      const salt = Buffer.from(hash.salt, 'base64')
      return isSame(expected, await runPbkdf2(password, salt, hash.iterations, expected.length, hash.digest))
    }
    case 'firebase-scrypt':
      return verifyFirebase(hash, password)
  }
}

/** scrypt derives a key, which encrypts the signer key: the ciphertext is the hash. */
async function verifyFirebase(
  hash: Extract<ForeignHash, { kind: 'firebase-scrypt' }>,
  password: string,
): Promise<boolean> {
  const { createCipheriv } = await import('node:crypto')
  const salt = Buffer.concat([Buffer.from(hash.salt, 'base64'), Buffer.from(hash.saltSeparator, 'base64')])
  const options = { N: 2 ** hash.memoryCost, r: hash.rounds, p: 1, maxmem: 256 * 1024 * 1024 }
  const key = await new Promise<Buffer>((resolve, reject) => {
    scrypt(password, salt, 32, options, (error, derived) =>
      error === null ? resolve(derived) : reject(error),
    )
  })
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const made = Buffer.concat([cipher.update(Buffer.from(hash.signerKey, 'base64')), cipher.final()])
  return isSame(Buffer.from(hash.hash, 'base64'), made)
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
