import type { AuthSettings, SettingsChange, ShownSettings } from './auth-settings.ts'
import {
  choiceField,
  type Field,
  linesField,
  numberField,
  optionalField,
  secretField,
  showWhile,
  switchField,
} from './fields.ts'

/** A part of the form: its controls, and what they say of the settings. */
interface Group {
  title: string
  about?: string
  fields: Field<unknown>[]
  read(): SettingsChange
}

function waysIn({ settings }: ShownSettings): Group {
  const { password, emailCode, magicLink, anonymous } = settings
  const path = 'settings'
  const withPassword = switchField('E-mail and password', `${path}.password.enabled`, password.enabled)
  const byCode = switchField('Code by mail', `${path}.emailCode.enabled`, emailCode.enabled)
  const byLink = switchField('Link by mail', `${path}.magicLink.enabled`, magicLink.enabled)
  const asNobody = switchField(
    'Anonymous',
    `${path}.anonymous.enabled`,
    anonymous.enabled,
    'An id and data without a name, kept when the user signs in properly later.',
  )
  const verified = switchField(
    'Addresses must be verified before a password signs in',
    `${path}.password.requireVerifiedEmail`,
    password.requireVerifiedEmail,
    'Then a sign-up tells nobody whether there is an account.',
  )
  return {
    title: 'Ways in',
    fields: [withPassword, verified, byCode, byLink, asNobody],
    read: () => ({
      settings: {
        password: { ...password, enabled: withPassword.read(), requireVerifiedEmail: verified.read() },
        emailCode: { enabled: byCode.read() },
        magicLink: { enabled: byLink.read() },
        anonymous: { enabled: asNobody.read() },
      },
    }),
  }
}

function redirects({ settings }: ShownSettings): Group {
  const urls = linesField(
    'Redirect addresses',
    'settings.redirectUrls',
    settings.redirectUrls,
    'One a line. Users are sent to exactly these, and nowhere else.',
  )
  const page = (label: string, name: keyof AuthSettings['links']): Field<string | undefined> =>
    optionalField(label, `settings.links.${name}`, { type: 'url', value: settings.links[name] ?? '' })
  const pages = {
    verifyEmail: page('Page for verifying an address', 'verifyEmail'),
    resetPassword: page('Page for a new password', 'resetPassword'),
    magicLink: page('Page for links by mail', 'magicLink'),
  }
  return {
    title: 'Where users are sent',
    about: 'The pages of your app that links in mails lead to. Without one, the mail has a code only.',
    fields: [urls, ...Object.values(pages)],
    read: () => ({ settings: { redirectUrls: urls.read(), links: given(pages) } }),
  }
}

/** What was filled in, without what was left empty. */
function given<Name extends string>(
  fields: Record<Name, Field<string | undefined>>,
): Partial<Record<Name, string>> {
  const values = Object.entries<Field<string | undefined>>(fields).map(([name, field]) => [
    name,
    field.read(),
  ])
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Partial<
    Record<Name, string>
  >
}

function passkeys({ settings }: ShownSettings): Group {
  const { passkeys } = settings
  const path = 'settings.passkeys'
  const enabled = switchField('Users can sign in with passkeys', `${path}.enabled`, passkeys.enabled)
  const domain = optionalField('Domain', `${path}.rpId`, {
    value: passkeys.rpId ?? '',
    placeholder: 'example.com',
    hint: 'Passkeys belong to it; changing it loses them.',
  })
  const origins = linesField(
    'Origins',
    `${path}.origins`,
    passkeys.origins,
    'One a line: the pages that may ask for passkeys, such as https://app.example.com',
  )
  return {
    title: 'Passkeys',
    fields: [enabled, domain, origins],
    read: () => {
      const rpId = domain.read()
      const group = { enabled: enabled.read(), origins: origins.read(), ...(rpId !== undefined && { rpId }) }
      return { settings: { passkeys: group } }
    },
  }
}

function sms({ settings, secrets }: ShownSettings): Group {
  const { smsSender } = settings
  const path = 'settings.smsSender'
  const enabled = switchField('Users can sign in by SMS', 'settings.sms.enabled', settings.sms.enabled)
  const kinds = [
    ['', 'None'],
    ['webhook', 'A webhook of yours'],
    ['twilio', 'Twilio'],
  ] as const
  const kind = choiceField('Sender', path, kinds, smsSender?.kind ?? '')
  const url = optionalField('Address', `${path}.url`, {
    type: 'url',
    value: smsSender?.url ?? '',
    hint: 'Gets every message.',
  })
  const token = secretField(
    'Token',
    'secrets.smsToken',
    secrets.smsToken.isSet,
    'Signs the webhook, or signs in to Twilio.',
  )
  const from = optionalField('From', `${path}.from`, { value: smsSender?.from ?? '' })
  const account = optionalField('Account SID', `${path}.accountSid`, {
    value: smsSender?.accountSid ?? '',
  })
  showWhile(kind, (chosen) => chosen !== '', [url, token])
  showWhile(kind, (chosen) => chosen === 'twilio', [from, account])
  return {
    title: 'SMS',
    fields: [enabled, kind, url, token, from, account],
    read: () => {
      const chosen = kind.read()
      const details = given({ from, accountSid: account })
      const sender = chosen === '' ? null : { kind: chosen, url: url.read() ?? '', ...details }
      return {
        settings: { sms: { enabled: enabled.read() }, smsSender: sender },
        secrets: given({ smsToken: token }),
      }
    },
  }
}

function secondFactorAndSessions({ settings }: ShownSettings): Group {
  const { sessions } = settings
  const path = 'settings.sessions'
  const choices = [
    ['optional', 'Whoever wants one'],
    ['required', 'Everybody but the anonymous'],
  ] as const
  const factor = choiceField('Second factor', 'settings.secondFactor', choices, settings.secondFactor)
  const idle = numberField('Days without use', `${path}.idleDays`, sessions.idleDays, 1, 365)
  const most = numberField('Days in all', `${path}.absoluteDays`, sessions.absoluteDays, 1, 3650)
  return {
    title: 'Second factor and sessions',
    about: 'A session ends when it was not used for so many days, and after so many in any case.',
    fields: [factor, idle, most],
    read: () => ({
      settings: {
        secondFactor: factor.read(),
        sessions: { ...sessions, idleDays: idle.read(), absoluteDays: most.read() },
      },
    }),
  }
}

function captcha({ settings, secrets }: ShownSettings): Group {
  const { captcha } = settings
  const kinds = [
    ['', 'None'],
    ['turnstile', 'Turnstile'],
    ['hcaptcha', 'hCaptcha'],
  ] as const
  const kind = choiceField('Captcha', 'settings.captcha', kinds, captcha?.kind ?? '')
  const secret = secretField('Secret', 'secrets.captchaSecret', secrets.captchaSecret.isSet)
  const verifyUrl = optionalField('Address that verifies', 'settings.captcha.verifyUrl', {
    type: 'url',
    value: captcha?.verifyUrl ?? '',
    hint: 'Empty: the provider’s own.',
  })
  showWhile(kind, (chosen) => chosen !== '', [secret, verifyUrl])
  return {
    title: 'Captcha',
    about: 'Asked for where anybody can make accounts or have mails sent.',
    fields: [kind, secret, verifyUrl],
    read: () => {
      const chosen = kind.read()
      return {
        settings: { captcha: chosen === '' ? null : { kind: chosen, ...given({ verifyUrl }) } },
        secrets: given({ captchaSecret: secret }),
      }
    },
  }
}

/** In the order of the page. */
export const settingsGroups: readonly ((shown: ShownSettings) => Group)[] = [
  waysIn,
  redirects,
  passkeys,
  sms,
  secondFactorAndSessions,
  captcha,
]
