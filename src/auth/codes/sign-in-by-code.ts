import type { Prisma } from '../../platform/generated/client.ts'
import { invalidValue } from '../../platform/errors.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import type { Device } from '../device.ts'
import { codeInvalid, methodDisabled } from '../errors.ts'
import { sendMail } from '../mail/send-mail.ts'
import { withQuery } from '../mail/with-query.ts'
import { limitSignIns } from '../password/sign-in.ts'
import { answerSignIn } from '../sessions/answer-sign-in.ts'
import type { SessionTokens } from '../sessions/issue-tokens.ts'
import { openSession } from '../sessions/open-session.ts'
import { normaliseEmail } from '../users/create-user.ts'
import { type ProvenAddress, userOfProvenAddress } from '../users/prove-address.ts'
import { limitCodeRequests } from './limit-codes.ts'
import { openLink, sealLink } from './link-token.ts'
import { makeToken, type OneTimeSecret, useSecret } from './one-time-codes.ts'
import { makeAndSendCode, makeAndSendSms } from './send-code.ts'
import type { ShownCode } from './shown-code.ts'

const linkMinutes = 15
// From the page's click to the app that it leads to.
const handOverMinutes = 2

/** Sends a code to an address or a number, known or not: whoever shows it is signed in. */
export async function requestSignInCode(
  auth: Auth,
  project: Project,
  to: ProvenAddress,
  device: Device,
): Promise<void> {
  const { settings } = await auth.settings.of(project)
  const { languages } = device
  if ('phone' in to) {
    if (!settings.sms.enabled) throw methodDisabled('SMS')
    await limitCodeRequests(auth, project, to.phone, device)
    auth.behind.run('sms', () => makeAndSendSms(auth, project, to.phone, languages))
    return
  }
  if (!settings.emailCode.enabled) throw methodDisabled('code')
  const email = normaliseEmail(to.email)
  await limitCodeRequests(auth, project, email, device)
  auth.behind.run('code', () => makeAndSendCode(auth, project, { purpose: 'sign_in', email, languages }))
}

/** Sends a link to the app's page, or to ours, which leads on to `redirectTo` after a click. */
export async function requestMagicLink(
  auth: Auth,
  project: Project,
  request: { email: string; redirectTo?: string },
  device: Device,
): Promise<void> {
  const { settings } = await auth.settings.of(project)
  if (!settings.magicLink.enabled) throw methodDisabled('link')
  const { redirectTo } = request
  if (redirectTo !== undefined && !settings.redirectUrls.includes(redirectTo)) {
    throw invalidValue('redirectTo', 'is not one of the project’s redirect addresses', 'not_allowed')
  }
  if (redirectTo === undefined && settings.links.magicLink === undefined) {
    throw invalidValue('redirectTo', 'is missing, and the project has no page for links', 'required')
  }
  const email = normaliseEmail(request.email)
  await limitCodeRequests(auth, project, email, device)
  auth.behind.run('link', async () => {
    const token = await makeLink(auth, project, {
      purpose: 'magic_link',
      target: email,
      minutes: linkMinutes,
      ...(redirectTo !== undefined && { data: { redirectTo } }),
    })
    const { publicUrl } = auth.services.config
    const ours = `${publicUrl}/v1/projects/${project.ref}/auth/magic-link`
    const page = redirectTo === undefined ? (settings.links.magicLink ?? ours) : ours
    const data = { link: withQuery(page, { token }), minutes: String(linkMinutes) }
    await sendMail(auth, project, { template: 'magic_link', to: email, languages: device.languages, data })
  })
}

/** After the click on our page: the link is used up, and the app gets a token that is good for a moment. */
export async function followMagicLink(auth: Auth, project: Project, token: string): Promise<string> {
  const { target, code } = openLink(auth, project, ['magic_link'], token)
  const { data } = await useSecret(auth.services.control, project, 'magic_link', target, code)
  const { settings } = await auth.settings.of(project)
  const redirectTo = redirectOf(data)
  // The list may have changed since the mail was sent.
  if (redirectTo === undefined || !settings.redirectUrls.includes(redirectTo)) throw codeInvalid()
  // Of another kind: clicks on the link that is used up must not count as guesses at this one.
  const followed = { purpose: 'followed_link', target, minutes: handOverMinutes } as const
  const handOver = await makeLink(auth, project, followed)
  const url = new URL(redirectTo)
  url.hash = new URLSearchParams({ token: handOver }).toString()
  return url.href
}

export type ShownSignInCode = ShownCode | (ProvenAddress & { code: string })

/** Signs in whoever shows what was sent to them; an unknown address becomes a new account. */
export async function signInByCode(
  auth: Auth,
  project: Project,
  shown: ShownSignInCode,
  device: Device,
  anonymousId?: string,
): Promise<SessionTokens> {
  const address = await useCode(auth, project, shown, device)
  const proof = { amr: ['phone' in address ? 'sms' : 'otp'], assurance: 1 } as const
  const { user, isNew, session } = await auth.services.control.$transaction(async (tx) => {
    const { user, isNew } = await userOfProvenAddress(auth, tx, project, address, anonymousId)
    if (isNew) await auth.hooks.afterSignUp(tx, project, user)
    const opened = await openSession(auth, tx, project, user, { ...proof, amr: [...proof.amr] }, device)
    return { user, isNew, session: opened }
  })
  auth.sessions.userChanged(user.id)
  if (isNew) auth.hooks.enqueued(project)
  return answerSignIn(auth, project, user, session)
}

/** Outside of a transaction: a wrong guess must count although the request fails. */
async function useCode(
  auth: Auth,
  project: Project,
  shown: ShownSignInCode,
  device: Device,
): Promise<ProvenAddress> {
  const { settings } = await auth.settings.of(project)
  const { control } = auth.services
  if ('token' in shown) {
    if (!settings.magicLink.enabled) throw methodDisabled('link')
    const { purpose, target, code } = openLink(auth, project, ['magic_link', 'followed_link'], shown.token)
    await useSecret(control, project, purpose, target, code)
    return { email: target }
  }
  const target = 'phone' in shown ? shown.phone : normaliseEmail(shown.email)
  const isOn = 'phone' in shown ? settings.sms.enabled : settings.emailCode.enabled
  if (!isOn) throw methodDisabled('code')
  await limitSignIns(auth, project, target, device)
  await useSecret(control, project, 'phone' in shown ? 'sms' : 'sign_in', target, shown.code)
  return 'phone' in shown ? { phone: target } : { email: target }
}

async function makeLink(
  auth: Auth,
  project: Project,
  secret: OneTimeSecret & { purpose: 'magic_link' | 'followed_link' },
): Promise<string> {
  const { purpose, target } = secret
  const code = await makeToken(auth.services.control, project, secret)
  return sealLink(auth, project, { purpose, target, code })
}

function redirectOf(data: Prisma.JsonValue): string | undefined {
  if (typeof data !== 'object' || data === null || !('redirectTo' in data)) return undefined
  return typeof data.redirectTo === 'string' ? data.redirectTo : undefined
}
