import { Value } from 'typebox/value'
import type { Issue } from '../../platform/errors.ts'
import { templateIssues } from '../mail/render-mail.ts'
import { AuthSettings, type AuthSecrets } from './auth-settings.ts'

/** What a schema can't say of the settings as they would be stored, all at once. */
export function settingsIssues(settings: AuthSettings, secrets: AuthSecrets): Issue[] {
  if (!Value.Check(AuthSettings, settings)) {
    return [...Value.Errors(AuthSettings, settings)].map(({ instancePath, keyword, message }) => ({
      path: ['settings', ...instancePath.split('/').slice(1)].join('.'),
      code: keyword,
      message,
    }))
  }
  return [
    ...addressIssues(settings),
    ...senderIssues(settings, secrets),
    ...Object.entries(settings.templates).flatMap(([name, languages]) =>
      Object.entries(languages).flatMap(([language, template]) =>
        templateIssues(name, template, `settings.templates.${name}.${language}`),
      ),
    ),
  ]
}

/** Where users are sent with a token in hand. Schemes that run code in the page that follows them are none. */
function addressIssues({ redirectUrls, links }: AuthSettings): Issue[] {
  const all: [string, string][] = [
    ...redirectUrls.map((url, index): [string, string] => [`settings.redirectUrls.${index}`, url]),
    ...Object.entries(links).map(([name, url]): [string, string] => [`settings.links.${name}`, url]),
  ]
  return all.flatMap(([path, address]) => {
    const url = URL.parse(address)
    const isBad =
      url === null ||
      ['javascript:', 'data:', 'vbscript:', 'blob:', 'file:'].includes(url.protocol) ||
      url.hash !== ''
    return isBad
      ? [{ path, code: 'not_allowed', message: 'must be an address of the app, without a fragment' }]
      : []
  })
}

function senderIssues({ smtp, smsSender, captcha, sms }: AuthSettings, secrets: AuthSecrets): Issue[] {
  const issues: Issue[] = []
  const need = (isThere: boolean, path: string, message: string): void => {
    if (!isThere) issues.push({ path, code: 'required', message })
  }
  if (smtp !== undefined && !/^[^\p{Cc}@]+@[^\p{Cc}\s@]+$/u.test(smtp.from)) {
    const message = 'must be a sender such as Example <no-reply@example.com>'
    issues.push({ path: 'settings.smtp.from', code: 'invalid', message })
  }
  if (smtp?.user !== undefined) {
    need(secrets.smtpPassword !== undefined, 'secrets.smtpPassword', 'is needed with a user')
  }
  if (captcha !== undefined) {
    need(secrets.captchaSecret !== undefined, 'secrets.captchaSecret', 'is needed with a captcha')
  }
  if (smsSender !== undefined) {
    need(secrets.smsToken !== undefined, 'secrets.smsToken', 'is needed with a sender of SMS')
  }
  if (smsSender?.kind === 'twilio') {
    need(smsSender.accountSid !== undefined, 'settings.smsSender.accountSid', 'is needed by Twilio')
    need(smsSender.from !== undefined, 'settings.smsSender.from', 'is needed by Twilio')
  }
  need(!sms.enabled || smsSender !== undefined, 'settings.smsSender', 'is needed to sign in by SMS')
  return issues
}
