import { invalidValue } from '../../platform/errors.ts'
import { isCommonPassword } from './common-passwords.ts'

/** Refuses what is guessed first (NIST SP 800-63B, section 5.1.1.2). The length is the schema's matter. */
export function checkNewPassword(
  password: string,
  about: { email?: string | null },
  path = 'password',
): void {
  const plain = password.toLowerCase()
  const name = about.email?.split('@')[0]?.toLowerCase()
  if (isCommonPassword(plain))
    throw invalidValue(path, 'is one of the passwords that are tried first', 'common_password')
  if (name !== undefined && name.length >= 4 && plain === name) {
    throw invalidValue(path, 'is the name in the e-mail address', 'common_password')
  }
}
