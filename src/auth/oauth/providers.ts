import type { ServerMetadata } from 'openid-client'
import {
  isObject,
  type ProviderAccount,
  type ProviderJson,
  readEmail,
  readFlag,
  readList,
  readText,
  readWebUrl,
} from './provider-account.ts'

/** What is special about a provider. */
export interface Preset {
  /** How it is found and whom its id tokens are from; absent where the project's settings name it. */
  issuer?: string
  /** Endpoints of a provider that speaks OAuth 2 only, and how to ask it who signed in. */
  plain?: {
    server: ServerMetadata
    readAccount: (get: (url: string) => Promise<unknown>) => Promise<ProviderAccount | null>
  }
  scopes: string
  /** It answers by a form that the browser posts: Apple does when it is asked for an address. */
  isFormPost?: true
  /** Its id tokens don't carry the nonce back; PKCE binds the code alone. */
  omitsNonce?: true
  /** It wants the client's secret in the body. OpenID Connect's default is the header. */
  wantsSecretInBody?: true
  /** Whether claims say that the address is verified, where that isn't `email_verified`. */
  isEmailVerified?: (claims: ProviderJson) => boolean
}

const openId = 'openid email profile'

// A Map: `constructor` is no provider.
const presets = new Map<string, Preset>([
  ['google', { issuer: 'https://accounts.google.com', scopes: openId, wantsSecretInBody: true }],
  [
    'apple',
    {
      issuer: 'https://appleid.apple.com',
      scopes: 'openid name email',
      isFormPost: true,
      wantsSecretInBody: true,
    },
  ],
  [
    'microsoft',
    {
      issuer: 'https://login.microsoftonline.com/common/v2.0',
      scopes: openId,
      wantsSecretInBody: true,
      // Anybody can make a tenant whose users have any address; this claim says that its domain was proven.
      // https://learn.microsoft.com/entra/identity-platform/migrate-off-email-claim-authorization
      isEmailVerified: ({ xms_edov: owned }) => readFlag(owned) || owned === 1 || owned === '1',
    },
  ],
  ['gitlab', { issuer: 'https://gitlab.com', scopes: openId, wantsSecretInBody: true }],
  [
    'linkedin',
    {
      issuer: 'https://www.linkedin.com/oauth',
      scopes: openId,
      omitsNonce: true,
      wantsSecretInBody: true,
    },
  ],
  [
    'github',
    {
      plain: {
        server: {
          issuer: 'https://github.com/login/oauth',
          authorization_endpoint: 'https://github.com/login/oauth/authorize',
          token_endpoint: 'https://github.com/login/oauth/access_token',
        },
        readAccount: readGitHub,
      },
      scopes: 'read:user user:email',
      wantsSecretInBody: true,
    },
  ],
  [
    'facebook',
    {
      plain: {
        server: {
          issuer: 'https://www.facebook.com',
          authorization_endpoint: 'https://www.facebook.com/v23.0/dialog/oauth',
          token_endpoint: 'https://graph.facebook.com/v23.0/oauth/access_token',
        },
        readAccount: readFacebook,
      },
      scopes: 'email public_profile',
      wantsSecretInBody: true,
    },
  ],
  [
    'discord',
    {
      plain: {
        server: {
          issuer: 'https://discord.com',
          authorization_endpoint: 'https://discord.com/oauth2/authorize',
          token_endpoint: 'https://discord.com/api/oauth2/token',
        },
        readAccount: readDiscord,
      },
      scopes: 'identify email',
      wantsSecretInBody: true,
    },
  ],
])

/** The preset by that name; any other name is an OpenID Connect provider that the settings tell the issuer of. */
export function presetOf(name: string): Preset {
  return presets.get(name) ?? { scopes: openId }
}

/** Null without a subject. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
export function accountFromClaims(preset: Preset, claims: ProviderJson): ProviderAccount | null {
  const subject = readText(claims.sub, 255)
  if (subject === null) return null
  const isVerified = preset.isEmailVerified ?? (({ email_verified: flag }) => readFlag(flag))
  return {
    subject,
    email: readEmail(claims.email),
    isEmailVerified: isVerified(claims),
    name: readText(claims.name),
    avatarUrl: readWebUrl(claims.picture),
  }
}

/** https://docs.github.com/rest/users/emails: the profile's public address is not necessarily a verified one. */
async function readGitHub(get: (url: string) => Promise<unknown>): Promise<ProviderAccount | null> {
  const user = await get('https://api.github.com/user')
  if (!isObject(user) || typeof user.id !== 'number') return null
  const emails = readList(await get('https://api.github.com/user/emails'))
  const primary = emails.find(({ primary, verified }) => primary === true && verified === true)
  const best = primary ?? emails.find(({ verified }) => verified === true)
  return {
    subject: String(user.id),
    email: readEmail(best?.email),
    isEmailVerified: best !== undefined,
    name: readText(user.name) ?? readText(user.login),
    avatarUrl: readWebUrl(user.avatar_url),
  }
}

/** Facebook doesn't say whether an address was verified, so it counts as not. */
async function readFacebook(get: (url: string) => Promise<unknown>): Promise<ProviderAccount | null> {
  const user = await get('https://graph.facebook.com/v23.0/me?fields=id,name,email,picture')
  const subject = isObject(user) ? readText(user.id, 255) : null
  if (!isObject(user) || subject === null) return null
  const picture = isObject(user.picture) && isObject(user.picture.data) ? user.picture.data.url : null
  return {
    subject,
    email: readEmail(user.email),
    isEmailVerified: false,
    name: readText(user.name),
    avatarUrl: readWebUrl(picture),
  }
}

/** https://discord.com/developers/docs/resources/user#user-object */
async function readDiscord(get: (url: string) => Promise<unknown>): Promise<ProviderAccount | null> {
  const user = await get('https://discord.com/api/users/@me')
  const subject = isObject(user) ? readText(user.id, 255) : null
  if (!isObject(user) || subject === null) return null
  const avatar = readText(user.avatar)
  return {
    subject,
    email: readEmail(user.email),
    isEmailVerified: readFlag(user.verified),
    name: readText(user.global_name) ?? readText(user.username),
    avatarUrl: avatar === null ? null : `https://cdn.discordapp.com/avatars/${subject}/${avatar}.png`,
  }
}
