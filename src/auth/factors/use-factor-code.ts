import { limitStrictly } from '../../projects/limit-requests.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { codeInvalid } from '../errors.ts'
import { useRecoveryCode } from './recovery-codes.ts'
import { matchingStep } from './totp.ts'

// By user, not by address: whoever guesses here knows the password already.
const attempts = { max: 10, seconds: 900 }

/** Uses up a code of the user's authenticator app, or a recovery code. Throws `code_invalid`, `rate_limited`. */
export async function useFactorCode(
  auth: Auth,
  project: Project,
  userId: string,
  code: string,
): Promise<void> {
  await limitFactorAttempts(auth, project, userId)
  const digits = code.replaceAll(' ', '')
  const isUsed = /^\d{6}$/.test(digits)
    ? await useTotpCode(auth, userId, digits)
    : await useRecoveryCode(auth, userId, code)
  if (!isUsed) throw codeInvalid()
}

export async function limitFactorAttempts(auth: Auth, project: Project, userId: string): Promise<void> {
  await limitStrictly(auth.projects.rateLimiter, 'auth-factor', `${project.id} ${userId}`, attempts)
}

/** Each code works once (RFC 6238, section 5.2): only a later time step than the last one is taken. */
async function useTotpCode({ services, box }: Auth, userId: string, code: string): Promise<boolean> {
  const { control } = services
  const confirmed = { userId, kind: 'totp', confirmedAt: { not: null } }
  for (const { id, secret } of await control.factor.findMany({ where: confirmed })) {
    const step = await matchingStep(box.open(secret, userId), code, Date.now())
    if (step === null) continue
    const { count } = await control.factor.updateMany({
      where: { id, lastStep: { lt: step } },
      data: { lastStep: step },
    })
    if (count > 0) return true
  }
  return false
}
