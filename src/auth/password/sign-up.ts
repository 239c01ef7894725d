import type { Prisma } from '../../platform/generated/client.ts'
import { hashPassword } from '../../platform/passwords.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { checkJson, maxBytes } from '../check-json.ts'
import type { Device } from '../device.ts'
import { emailTaken, methodDisabled } from '../errors.ts'
import { limitCodeRequests } from '../codes/limit-codes.ts'
import { sendCode } from '../codes/send-code.ts'
import { openSession } from '../sessions/open-session.ts'
import { answerSignIn } from '../sessions/answer-sign-in.ts'
import type { SessionTokens } from '../sessions/issue-tokens.ts'
import { createUser, normaliseEmail } from '../users/create-user.ts'
import { checkNewPassword } from './check-password.ts'

export interface SignUp {
  email: string
  password: string
  profile?: Prisma.InputJsonObject
}

/**
 * Makes an account with e-mail and password. Where the project asks for a verified address the answer is null for
 * everybody: a new account gets the mail with the code, an existing one a mail that says so, and nobody learns which.
 * Otherwise a taken address is 409, and a new account is signed in at once.
 */
export async function signUp(
  auth: Auth,
  project: Project,
  { email, password, profile }: SignUp,
  device: Device,
): Promise<SessionTokens | null> {
  const { settings } = await auth.settings.of(project)
  const { languages } = device
  if (!settings.password.enabled) throw methodDisabled('password')
  checkNewPassword(password, { email })
  if (profile !== undefined) checkJson(profile, 'profile', maxBytes.profile)
  await limitCodeRequests(auth, project, normaliseEmail(email), device)
  const passwordHash = await hashPassword(password)
  const created = await auth.services.control.$transaction(async (tx) => {
    const user = await createUser(auth, tx, project, { email, passwordHash, ...(profile && { profile }) })
    if (user !== null) await auth.hooks.afterSignUp(tx, project, user)
    if (user === null || settings.password.requireVerifiedEmail) return { user, session: null }
    const session = await openSession(auth, tx, project, user, { amr: ['pwd'], assurance: 1 }, device)
    return { user, session }
  })
  if (created.user === null && !settings.password.requireVerifiedEmail) throw emailTaken()
  // The mail is sent behind the answer, which takes as long for a known address as for a new one.
  if (created.user === null) void sendCode(auth, project, { purpose: 'account_exists', email, languages })
  else {
    const userId = created.user.id
    void sendCode(auth, project, { purpose: 'verify_email', email, userId, languages })
    auth.hooks.enqueued(project)
  }
  return created.user === null || created.session === null
    ? null
    : answerSignIn(auth, project, created.user, created.session)
}
