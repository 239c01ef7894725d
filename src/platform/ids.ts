import { createHash, randomBytes } from 'node:crypto'

/**
 * A time-ordered UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, then random bits.
 * Ids that grow with time keep inserts at the right edge of the primary key's index.
 */
export function newId(now: number = Date.now()): string {
  const bytes = nextRandom(16)
  bytes.writeUIntBE(now, 0, 6)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Makes ids that grow within a millisecond too: the twelve bits behind the version count (RFC 9562, section 6.2). */
export function createOrderedIds(): () => string {
  let at = 0
  let count = 0
  return () => {
    const now = Date.now()
    if (now > at || count === 0xfff) {
      at = Math.max(now, at + 1)
      count = 0
    } else {
      count += 1
    }
    const id = newId(at)
    return `${id.slice(0, 15)}${count.toString(16).padStart(3, '0')}${id.slice(18)}`
  }
}

/** A secret that can't be guessed: 192 bits in base64url, behind a prefix that tells what it is. */
export function newSecret(prefix: string): string {
  return prefix + randomBytes(24).toString('base64url')
}

/**
 * How secrets with full entropy are stored. A slow password hash is for passwords:
 * 192 random bits can't be searched, and keys are looked up on every request.
 */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

// One call for 4 KiB of randomness costs as much as one for 16 bytes.
const pool = { bytes: Buffer.alloc(0), offset: 0 }

function nextRandom(length: number): Buffer {
  if (pool.offset + length > pool.bytes.length) {
    pool.bytes = randomBytes(4096)
    pool.offset = 0
  }
  const bytes = pool.bytes.subarray(pool.offset, pool.offset + length)
  pool.offset += length
  return bytes
}
