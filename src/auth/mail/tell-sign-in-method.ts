import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { sendMail } from './send-mail.ts'

/** Ways in and second factors, by the names that their owner gave them; of recovery codes, how many. */
export type SignInMethod = Partial<Record<'authenticator' | 'passkey' | 'provider' | 'recoveryCodes', string>>

/**
 * News of a way in or a second factor that was added or removed, to the account's address and behind the answer: what
 * somebody else does to an account, its owner shall notice. Never throws, as it is done already.
 */
export function tellSignInMethod(
  auth: Auth,
  project: Project,
  change: 'added' | 'removed',
  email: string | null,
  method: SignInMethod,
  languages: readonly string[],
): void {
  if (email === null) return
  const template = `sign_in_method_${change}` as const
  try {
    auth.behind.run(template, () => sendMail(auth, project, { template, to: email, languages, data: method }))
  } catch (error) {
    auth.services.log.warn({ err: error, project: project.ref }, 'a user was not told of a sign-in method')
  }
}
