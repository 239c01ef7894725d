import Type, { type Static, type TSchema } from 'typebox'
import { closed } from '../../projects/schemas.ts'

const Switch = Type.Object({ enabled: Type.Boolean() }, closed)

const Url = Type.String({ format: 'uri', maxLength: 2048 })

const Provider = Type.Object(
  {
    enabled: Type.Boolean(),
    clientId: Type.String({ minLength: 1, maxLength: 255 }),
    /** For providers that are found by discovery: `https://login.example.com`. */
    issuer: Type.Optional(Url),
    scopes: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: 20 })),
    /** Client ids of native apps whose id tokens are taken too. */
    audiences: Type.Optional(Type.Array(Type.String({ maxLength: 255 }), { maxItems: 20 })),
    /** Apple's: of the developer team, and of the key that is the secret. */
    teamId: Type.Optional(Type.String({ maxLength: 20 })),
    keyId: Type.Optional(Type.String({ maxLength: 20 })),
  },
  closed,
)

export const MailTemplate = Type.Object(
  {
    subject: Type.String({ maxLength: 200 }),
    text: Type.String({ minLength: 1, maxLength: 20_000 }),
    html: Type.Optional(Type.String({ maxLength: 50_000 })),
  },
  closed,
)

/** How a project's users sign in. Only what is switched on works. */
export const AuthSettings = Type.Object(
  {
    password: Type.Object({ enabled: Type.Boolean(), requireVerifiedEmail: Type.Boolean() }, closed),
    anonymous: Switch,
    /** When required, who has none must set one up first. Who has one must always show it. */
    secondFactor: Type.Union([Type.Literal('optional'), Type.Literal('required')]),
    emailCode: Switch,
    magicLink: Switch,
    sms: Switch,
    passkeys: Type.Object(
      {
        enabled: Type.Boolean(),
        /** The relying party's id, a domain, and the origins that may use it. */
        rpId: Type.Optional(Type.String({ maxLength: 253 })),
        origins: Type.Array(Type.String({ maxLength: 255 }), { maxItems: 20 }),
      },
      closed,
    ),
    /** By provider: google, apple, github, … or a name of one's own with an issuer. */
    providers: Type.Record(Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }), Provider),
    /** Exactly these addresses may be redirected to. */
    redirectUrls: Type.Array(Url, { maxItems: 100 }),
    sessions: Type.Object(
      {
        idleDays: Type.Integer({ minimum: 1, maximum: 365 }),
        absoluteDays: Type.Integer({ minimum: 1, maximum: 3650 }),
      },
      closed,
    ),
    /** Where the links in mails lead: pages of the app. Without one the token itself is in the mail. */
    links: Type.Object(
      {
        verifyEmail: Type.Optional(Url),
        resetPassword: Type.Optional(Url),
        magicLink: Type.Optional(Url),
      },
      closed,
    ),
    captcha: Type.Optional(
      Type.Object(
        {
          kind: Type.Union([Type.Literal('turnstile'), Type.Literal('hcaptcha')]),
          verifyUrl: Type.Optional(Url),
        },
        closed,
      ),
    ),
    smsSender: Type.Optional(
      Type.Object(
        {
          kind: Type.Union([Type.Literal('webhook'), Type.Literal('twilio')]),
          url: Url,
          from: Type.Optional(Type.String({ maxLength: 50 })),
          accountSid: Type.Optional(Type.String({ maxLength: 100 })),
        },
        closed,
      ),
    ),
    smtp: Type.Optional(
      Type.Object(
        {
          host: Type.String({ maxLength: 253 }),
          port: Type.Integer({ minimum: 1, maximum: 65_535 }),
          secure: Type.Boolean(),
          user: Type.Optional(Type.String({ maxLength: 255 })),
          from: Type.String({ maxLength: 320 }),
        },
        closed,
      ),
    ),
    /** By template and language: `verify_email` → `en` → `{ subject, text, html }`. */
    templates: Type.Record(
      Type.String({ pattern: '^[a-z_]{1,40}$' }),
      Type.Record(Type.String({ pattern: '^[a-z]{2}(-[A-Z]{2})?$' }), MailTemplate),
    ),
  },
  closed,
)

export type AuthSettings = Static<typeof AuthSettings>

/** Not as a union, of which a validator complains once for each member. */
function orNull(schema: TSchema): TSchema {
  return 'type' in schema
    ? Type.Unsafe<unknown>({ ...schema, type: [schema.type, 'null'] })
    : Type.Union([schema, Type.Null()])
}

/** A PATCH: groups that are given replace those that are set. Null removes an optional one. */
export const AuthSettingsPatch = Type.Object(
  Object.fromEntries(
    Object.entries(AuthSettings.properties).map(([name, schema]) => [name, Type.Optional(orNull(schema))]),
  ),
  closed,
)

/** What a PATCH may say of secrets; they never come back. Null removes one. */
export const AuthSecretsPatch = Type.Object(
  {
    /** Client secrets by provider. Apple's is the private key in PEM. */
    providers: Type.Optional(
      Type.Record(
        Type.String({ maxLength: 32 }),
        Type.Union([Type.String({ maxLength: 8192 }), Type.Null()]),
      ),
    ),
    smtpPassword: Type.Optional(Type.Union([Type.String({ maxLength: 1024 }), Type.Null()])),
    smsToken: Type.Optional(Type.Union([Type.String({ maxLength: 1024 }), Type.Null()])),
    captchaSecret: Type.Optional(Type.Union([Type.String({ maxLength: 1024 }), Type.Null()])),
  },
  closed,
)

export interface AuthSecrets {
  providers: Readonly<Record<string, string>>
  smtpPassword?: string
  smsToken?: string
  captchaSecret?: string
}

/** What works out of the box: e-mail with password, codes and links by mail, anonymous. The rest needs settings. */
export const defaultAuthSettings: AuthSettings = {
  password: { enabled: true, requireVerifiedEmail: false },
  anonymous: { enabled: true },
  secondFactor: 'optional',
  emailCode: { enabled: true },
  magicLink: { enabled: true },
  sms: { enabled: false },
  passkeys: { enabled: false, origins: [] },
  providers: {},
  redirectUrls: [],
  sessions: { idleDays: 30, absoluteDays: 365 },
  links: {},
  templates: {},
}
