interface Switch {
  readonly enabled: boolean
}

/** How users sign in. Secrets are not part of it: they are set at the server and never come back. */
export interface AuthSettings {
  readonly password: { readonly enabled: boolean; readonly requireVerifiedEmail: boolean }
  readonly anonymous: Switch
  readonly secondFactor: 'optional' | 'required'
  readonly emailCode: Switch
  readonly magicLink: Switch
  readonly sms: Switch
  readonly passkeys: {
    readonly enabled: boolean
    readonly rpId?: string
    readonly origins: readonly string[]
  }
  /** By name: google, apple, github, … or one of your own with an issuer. */
  readonly providers: Readonly<Record<string, ProviderSettings>>
  /** Exactly these addresses may be redirected to. */
  readonly redirectUrls: readonly string[]
  readonly sessions: { readonly idleDays: number; readonly absoluteDays: number }
  /** Pages of the app that the links in mails lead to. */
  readonly links: {
    readonly verifyEmail?: string
    readonly resetPassword?: string
    readonly magicLink?: string
  }
  readonly captcha: { readonly kind: 'turnstile' | 'hcaptcha'; readonly verifyUrl?: string } | null
  readonly smsSender: {
    readonly kind: 'webhook' | 'twilio'
    readonly url: string
    readonly from?: string
    readonly accountSid?: string
  } | null
  readonly smtp: {
    readonly host: string
    readonly port: number
    readonly secure: boolean
    readonly user?: string
    readonly from: string
  } | null
  /** By template and language: `verify_email` → `en`. */
  readonly templates: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly subject: string; readonly text: string; readonly html?: string }>>
    >
  >
}

interface ProviderSettings {
  readonly enabled: boolean
  readonly clientId: string
  readonly issuer?: string
  readonly scopes?: readonly string[]
  readonly audiences?: readonly string[]
  readonly teamId?: string
  readonly keyId?: string
}

/** Browsers' origins, rate limits, and how far the change log reaches back. */
export interface ProjectSettings {
  readonly cors?: { readonly origins?: readonly string[] }
  readonly limits?: { readonly requestsPerSecond?: number; readonly requestsPerSecondByAddress?: number }
  readonly changes?: { readonly retentionDays?: number; readonly retentionMegabytes?: number }
}

/** What `settings.ts` of a project's folder says. Groups that it doesn't name stay as they are. */
export interface Settings {
  readonly auth?: Partial<AuthSettings>
  readonly project?: ProjectSettings
}
