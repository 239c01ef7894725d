import type { TOTP } from 'otpauth'

// What authenticator apps take for granted (RFC 6238, section 4; the apps ignore other values).
const periodSeconds = 30

/** A new secret in base32, and the address that an app reads from a QR code. */
export async function newTotp(issuer: string, label: string): Promise<{ secret: string; uri: string }> {
  const { Secret } = await import('otpauth')
  const secret = new Secret({ size: 20 })
  const totp = await totpOf(secret.base32, { issuer, label })
  return { secret: secret.base32, uri: totp.toString() }
}

/** The time step that the code is of, with one step of tolerance to both sides; null when it is of none. */
export async function matchingStep(secret: string, code: string, now: number): Promise<number | null> {
  const delta = (await totpOf(secret)).validate({ token: code, timestamp: now, window: 1 })
  return delta === null ? null : Math.floor(now / 1000 / periodSeconds) + delta
}

async function totpOf(secret: string, names: { issuer?: string; label?: string } = {}): Promise<TOTP> {
  const { TOTP } = await import('otpauth')
  return new TOTP({ ...names, secret, digits: 6, period: periodSeconds, algorithm: 'SHA1' })
}
