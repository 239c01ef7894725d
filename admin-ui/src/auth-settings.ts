import { api } from './api.ts'
import type { Place } from './project-frame.ts'

export interface Template {
  subject: string
  text: string
  html?: string
}

export interface Provider {
  enabled: boolean
  clientId: string
  issuer?: string
  scopes?: string[]
  audiences?: string[]
  teamId?: string
  keyId?: string
}

/** How a project's users sign in, as the API shows it. */
export interface AuthSettings {
  password: { enabled: boolean; requireVerifiedEmail: boolean }
  anonymous: { enabled: boolean }
  secondFactor: 'optional' | 'required'
  emailCode: { enabled: boolean }
  magicLink: { enabled: boolean }
  sms: { enabled: boolean }
  passkeys: { enabled: boolean; rpId?: string; origins: string[] }
  providers: Record<string, Provider>
  redirectUrls: string[]
  sessions: { idleDays: number; absoluteDays: number }
  links: { verifyEmail?: string; resetPassword?: string; magicLink?: string }
  captcha?: { kind: 'turnstile' | 'hcaptcha'; verifyUrl?: string }
  smsSender?: { kind: 'webhook' | 'twilio'; url: string; from?: string; accountSid?: string }
  smtp?: { host: string; port: number; secure: boolean; user?: string; from: string }
  templates: Record<string, Record<string, Template>>
}

interface IsSet {
  isSet: boolean
}

export interface ShownSettings {
  settings: AuthSettings
  secrets: { providers: Record<string, IsSet>; smtpPassword: IsSet; smsToken: IsSet; captchaSecret: IsSet }
}

/** Groups replace those that are set; null brings the default back, and removes a secret. */
export interface SettingsChange {
  settings?: { [Group in keyof AuthSettings]?: AuthSettings[Group] | null }
  secrets?: {
    providers?: Record<string, string | null>
    smtpPassword?: string | null
    smsToken?: string | null
    captchaSecret?: string | null
  }
}

export function readAuthSettings(place: Place): Promise<ShownSettings> {
  return api('GET', `${place.api}/auth/settings`)
}

export function changeAuthSettings(place: Place, change: SettingsChange): Promise<ShownSettings> {
  return api('PATCH', `${place.api}/auth/settings`, change)
}
