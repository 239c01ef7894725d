import type * as CommonLanguage from '@zxcvbn-ts/language-common'
import { createRequire } from 'node:module'
import { passwordLength } from '../../platform/passwords.ts'

let common: Set<string> | undefined

/** Whether the password, in lower case, is among the tens of thousands that are tried first. */
export function isCommonPassword(password: string): boolean {
  common ??= readList()
  return common.has(password)
}

/** At first use, since nothing but a new password needs it. Shorter ones are refused for their length. */
function readList(): Set<string> {
  const load = createRequire(import.meta.url)
  const { dictionary }: typeof CommonLanguage = load('@zxcvbn-ts/language-common')
  return new Set(dictionary['passwords-common'].filter(({ length }) => length >= passwordLength.min))
}
