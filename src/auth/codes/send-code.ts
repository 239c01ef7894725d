import { normaliseEmail } from '../users/create-user.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { sendMail } from '../mail/send-mail.ts'
import { withQuery } from '../mail/with-query.ts'
import { sealLink } from './link-token.ts'
import { makeCode } from './one-time-codes.ts'

/** A mail with a code or a link, or the news that somebody tried to sign up with a known address. */
export interface CodeMail {
  purpose: 'verify_email' | 'sign_in' | 'reset_password' | 'change_email' | 'account_exists'
  email: string
  userId?: string
  languages: readonly string[]
}

const templates = {
  verify_email: 'verify_email',
  sign_in: 'sign_in_code',
  reset_password: 'reset_password',
  change_email: 'change_email',
} as const

const minutes = { verify_email: 60, sign_in: 10, reset_password: 30, change_email: 30, sms: 10 } as const

/** Makes the code and sends it, now. Call it behind an answer, or leave it to `sendCode`. */
export async function makeAndSendCode(
  auth: Auth,
  project: Project,
  { purpose, userId = '', languages, ...mail }: CodeMail,
): Promise<void> {
  const to = normaliseEmail(mail.email)
  if (purpose === 'account_exists') {
    await sendMail(auth, project, { template: purpose, to, languages, data: {} })
    return
  }
  const code = await makeCode(auth.services.control, project, {
    purpose,
    target: to,
    userId: userId === '' ? null : userId,
    minutes: minutes[purpose],
  })
  const { links } = (await auth.settings.of(project)).settings
  const pages = { verify_email: links.verifyEmail, reset_password: links.resetPassword } as const
  const page = purpose in pages ? pages[purpose as keyof typeof pages] : undefined
  const link = page && withQuery(page, { token: sealLink(auth, project, { purpose, target: to, code }) })
  await sendMail(auth, project, {
    template: templates[purpose],
    to,
    languages,
    data: { code, minutes: String(minutes[purpose]), ...(link !== undefined && { link }) },
  })
}

/** Does it behind the answer. Never throws: the answer must not tell what became of the mail. */
export async function sendCode(auth: Auth, project: Project, mail: CodeMail): Promise<void> {
  try {
    auth.behind.run('code', () => makeAndSendCode(auth, project, mail))
  } catch (error) {
    auth.services.log.warn({ err: error, project: project.ref }, 'a code was not sent')
  }
}

export async function makeAndSendSms(
  auth: Auth,
  project: Project,
  phone: string,
  languages: readonly string[],
): Promise<void> {
  const secret = { purpose: 'sms', target: phone, minutes: minutes.sms } as const
  const code = await makeCode(auth.services.control, project, secret)
  const data = { code, minutes: String(minutes.sms) }
  await sendMail(auth, project, { template: 'sms_code', to: phone, languages, data })
}
