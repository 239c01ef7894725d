import { argon2Sync, type Argon2Algorithm, randomBytes, timingSafeEqual } from 'node:crypto'

export interface Argon2Cost {
  algorithm: Argon2Algorithm
  /** KiB. */
  memory: number
  passes: number
  parallelism: number
}

interface Argon2Hash extends Argon2Cost {
  salt: Buffer
  tag: Buffer
}

/** A PHC string: `$argon2id$v=19$m=19456,t=2,p=1$…$…`. Takes a processor as long as `cost` says. */
export function hashArgon2(password: string, cost: Argon2Cost): string {
  const salt = randomBytes(16)
  const tag = derive(password, { ...cost, salt }, 32)
  const { algorithm, memory, passes, parallelism } = cost
  const parameters = `m=${memory},t=${passes},p=${parallelism}`
  return `$${algorithm}$v=19$${parameters}$${toBase64(salt)}$${toBase64(tag)}`
}

/** Takes a processor as long as the hash says. */
export function verifyArgon2(text: string, password: string): boolean {
  const hash = readArgon2(text)
  return hash !== null && timingSafeEqual(hash.tag, derive(password, hash, hash.tag.length))
}

/** Null for what is no hash of Argon2, version 19. The parameters come in any order. */
export function readArgon2(text: string): Argon2Hash | null {
  const [, algorithm, parameters = '', salt = '', tag = ''] =
    /^\$(argon2id|argon2i|argon2d)\$v=19\$([mtp=,\d]+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(text) ?? []
  if (!isAlgorithm(algorithm)) return null
  const values = new Map(parameters.split(',').map((each) => [each.charAt(0), Number(each.slice(2))]))
  const [memory, passes, parallelism] = [values.get('m'), values.get('t'), values.get('p')]
  if (memory === undefined || passes === undefined || parallelism === undefined) return null
  const bytes = { salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') }
  return { algorithm, memory, passes, parallelism, ...bytes }
}

function derive(message: string, cost: Argon2Cost & { salt: Buffer }, tagLength: number): Buffer {
  const { algorithm, memory, passes, parallelism, salt: nonce } = cost
  return argon2Sync(algorithm, { message, nonce, memory, passes, parallelism, tagLength })
}

function isAlgorithm(name: string | undefined): name is Argon2Algorithm {
  return name === 'argon2id' || name === 'argon2i' || name === 'argon2d'
}

function toBase64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
