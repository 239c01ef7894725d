import Type from 'typebox'
import { Value } from 'typebox/value'
import { invalidValue, unavailable } from '../platform/errors.ts'
import { outboundFetch } from '../platform/outbound-http.ts'
import type { Project } from '../projects/project.ts'
import type { Auth } from './auth.ts'

/** https://developers.cloudflare.com/turnstile/get-started/server-side-validation/, https://docs.hcaptcha.com/#verify-the-user-response-server-side */
const verifyUrls = {
  turnstile: 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
  hcaptcha: 'https://api.hcaptcha.com/siteverify',
} as const

const Verdict = Type.Object({ success: Type.Boolean() })

/** A field for the bodies of what robots like to call. */
export const captchaTokenSchema = Type.Optional(Type.String({ maxLength: 8192, pattern: '^[ -~]*$' }))

/**
 * Where the project asks for a captcha, throws 400 unless its maker says that a person solved it for this project, and
 * 503 when the maker doesn't answer.
 */
export async function checkCaptcha(
  { settings: store, services: { config } }: Auth,
  project: Project,
  token: string | undefined,
  ip: string,
): Promise<void> {
  const { settings, secrets } = await store.of(project)
  const { captcha } = settings
  if (captcha === undefined) return
  if (token === undefined) throw invalidValue('captchaToken', 'is missing', 'required')
  const body = new URLSearchParams({ secret: secrets.captchaSecret ?? '', response: token, remoteip: ip })
  const verdict = await outboundFetch(config, captcha.verifyUrl ?? verifyUrls[captcha.kind], {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: body.toString(),
    redirect: 'error',
    maxBytes: 64 * 1024,
  })
    .then((response): Promise<unknown> => response.json())
    .catch((error: unknown) => {
      throw unavailable('The captcha can’t be checked at the moment.', 5, error)
    })
  if (!Value.Check(Verdict, verdict) || !verdict.success) {
    throw invalidValue('captchaToken', 'was not accepted', 'captcha_failed')
  }
}
