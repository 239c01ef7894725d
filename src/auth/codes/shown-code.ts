import Type from 'typebox'
import { invalidValue } from '../../platform/errors.ts'
import { emailSchema } from '../../projects/schemas.ts'
import { codeSchema, linkTokenSchema } from '../schemas.ts'

/** For bodies with a code: either the token of a link, or an address and what was typed. */
export const shownCodeFields = {
  token: Type.Optional(linkTokenSchema),
  email: Type.Optional(emailSchema),
  code: Type.Optional(codeSchema),
}

export type ShownCode = { token: string } | { email: string; code: string }

/** Throws 400 by field. A union of schemas would complain of every field of every other form. */
export function shownCode({
  token,
  email,
  code,
}: {
  token?: string
  email?: string
  code?: string
}): ShownCode {
  if (token === undefined) return { email: given('email', email), code: given('code', code) }
  if (email !== undefined || code !== undefined) {
    throw invalidValue('token', 'stands alone: it says for whom it is', 'not_allowed')
  }
  return { token }
}

/** Throws 400 where nothing was given. */
export function given(path: string, value: string | undefined): string {
  if (value === undefined) throw invalidValue(path, 'is missing', 'required')
  return value
}
