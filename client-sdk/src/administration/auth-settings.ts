import type { Transport } from '../transport.ts'

interface Switch {
  readonly enabled: boolean
}

export interface ProviderSettings extends Switch {
  readonly clientId: string
  /** For providers that are found by discovery. */
  readonly issuer?: string
  readonly scopes?: readonly string[]
  /** Client ids of native apps whose id tokens are taken too. */
  readonly audiences?: readonly string[]
  readonly teamId?: string
  readonly keyId?: string
}

export interface MailTemplate {
  readonly subject: string
  readonly text: string
  /** Without one it is made from the text. */
  readonly html?: string
}

/** How users sign in. */
export interface AuthSettings {
  readonly password: Switch & { readonly requireVerifiedEmail: boolean }
  readonly anonymous: Switch
  readonly secondFactor: 'optional' | 'required'
  readonly emailCode: Switch
  readonly magicLink: Switch
  readonly sms: Switch
  readonly passkeys: Switch & { readonly rpId?: string; readonly origins: readonly string[] }
  readonly providers: Readonly<Record<string, ProviderSettings>>
  /** Exactly these addresses may be redirected to. */
  readonly redirectUrls: readonly string[]
  readonly sessions: { readonly idleDays: number; readonly absoluteDays: number }
  readonly links: {
    readonly verifyEmail?: string
    readonly resetPassword?: string
    readonly magicLink?: string
  }
  readonly captcha?: { readonly kind: 'turnstile' | 'hcaptcha'; readonly verifyUrl?: string }
  readonly smsSender?: {
    readonly kind: 'webhook' | 'twilio'
    readonly url: string
    readonly from?: string
    readonly accountSid?: string
  }
  readonly smtp?: {
    readonly host: string
    readonly port: number
    readonly secure: boolean
    readonly user?: string
    readonly from: string
  }
  /** By template and language. */
  readonly templates: Readonly<Record<string, Readonly<Record<string, MailTemplate>>>>
}

/** Secrets go in, and never come back. Null removes one. */
export interface AuthSecretsChange {
  /** By provider. */
  readonly providers?: Readonly<Record<string, string | null>>
  readonly smtpPassword?: string | null
  readonly smsToken?: string | null
  readonly captchaSecret?: string | null
}

interface IsSet {
  readonly isSet: boolean
}

export interface ShownAuthSettings {
  readonly settings: AuthSettings
  readonly secrets: {
    readonly providers: Readonly<Record<string, IsSet>>
    readonly smtpPassword: IsSet
    readonly smsToken: IsSet
    readonly captchaSecret: IsSet
  }
}

export interface OutboxMail {
  readonly id: string
  readonly recipient: string
  readonly template: string
  /** Null once it was sent, and for whoever may not change users. */
  readonly subject: string | null
  readonly text: string | null
  readonly html: string | null
  readonly createdAt: string
  readonly sentAt: string | null
  readonly error: string | null
}

/** How users sign in, and the mails that they get. For secret keys. */
export class AuthSettingsClient {
  readonly #transport: Transport

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport
  }

  get(): Promise<ShownAuthSettings> {
    return this.#transport.json({ method: 'GET', path: '/auth/settings' })
  }

  /** A group that is given replaces the group that is set; null brings its default back. */
  update(change: {
    readonly settings?: { readonly [Name in keyof AuthSettings]?: AuthSettings[Name] | null }
    readonly secrets?: AuthSecretsChange
  }): Promise<ShownAuthSettings> {
    return this.#transport.json({ method: 'PATCH', path: '/auth/settings', body: change })
  }

  /** Signs access tokens with a new key; those of the old one stay good until they end. */
  rotateKeys(): Promise<void> {
    return this.#transport.empty({ method: 'POST', path: '/auth/keys/rotate', once: true })
  }

  /** The mails of the last week, the newest first. */
  mails({ limit, after }: { readonly limit?: number; readonly after?: string } = {}): Promise<{
    readonly mails: readonly OutboxMail[]
    readonly nextCursor: string | null
  }> {
    const query = { limit: limit?.toString(), after }
    return this.#transport.json({ method: 'GET', path: '/auth/mails', query })
  }

  /** How a mail will look, with made-up values; `content` instead of the template that is set. */
  previewMail(preview: {
    readonly template: string
    readonly language?: string
    readonly content?: MailTemplate
  }): Promise<Required<MailTemplate>> {
    return this.#transport.json({ method: 'POST', path: '/auth/mails/preview', body: preview, asks: true })
  }
}
