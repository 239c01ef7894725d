import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { MasterKeys } from './master-key.ts'

/**
 * Secrets in the database: AES-256-GCM (NIST SP 800-38D) under keys derived from the master key, one for each purpose
 * (HKDF, RFC 5869). The context, such as a project's id, is authenticated with it: a ciphertext that is copied to
 * another row does not open there.
 */
export interface SecretBox {
  seal(plain: string, context: string): string
  /** Throws when it was made with an unknown master key, for another context, or was changed. */
  open(sealed: string, context: string): string
  /** A keyed hash, for tokens that the server recognises without storing them. */
  mac(text: string): string
  /** All that may have been made of the text and are still good: with the previous master key too. */
  macs(text: string): string[]
}

const version = 'v1'

export function createSecretBox({ current, previous }: MasterKeys, purpose: string): SecretBox {
  const box = boxOf(current, purpose)
  const older = previous === undefined ? undefined : boxOf(previous, purpose)
  return {
    seal: box.seal,
    open(sealed, context) {
      try {
        return box.open(sealed, context)
      } catch (error) {
        if (older === undefined) throw error
        return older.open(sealed, context)
      }
    },
    mac: box.mac,
    macs: (text) => [box.mac(text), ...(older === undefined ? [] : [older.mac(text)])],
  }
}

interface BoxOfKey {
  seal: (plain: string, context: string) => string
  open: (sealed: string, context: string) => string
  mac: (text: string) => string
}

function boxOf(masterKey: Buffer, purpose: string): BoxOfKey {
  const derive = (use: string): Buffer =>
    Buffer.from(hkdfSync('sha256', masterKey, '', `basalt ${purpose} ${use}`, 32))
  const sealing = derive('seal')
  const hashing = derive('mac')
  return {
    seal(plain, context) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', sealing, nonce).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return [version, ...[nonce, body, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join(
        '.',
      )
    },
    open(sealed, context) {
      const [found, ...parts] = sealed.split('.')
      const [nonce, body, tag] = parts.map((part) => Buffer.from(part, 'base64url'))
      if (found !== version || nonce === undefined || body === undefined || tag?.length !== 16) {
        throw new Error('this is not a sealed secret')
      }
      const decipher = createDecipheriv('aes-256-gcm', sealing, nonce)
        .setAAD(Buffer.from(context))
        .setAuthTag(tag)
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
    },
    mac: (text) => createHmac('sha256', hashing).update(text).digest('base64url'),
  }
}
