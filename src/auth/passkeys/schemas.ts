import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import Type, { type Static } from 'typebox'
import { closed } from '../../projects/schemas.ts'

const base64Url = (maxLength: number) => Type.String({ maxLength, pattern: '^[A-Za-z0-9_-]+$' })

// https://www.w3.org/TR/webauthn-3/#dictdef-registrationresponsejson; browsers add to it with every level.
const credentialProperties = {
  id: base64Url(1400),
  rawId: base64Url(1400),
  type: Type.Literal('public-key'),
  clientExtensionResults: Type.Object({}),
}

export const registrationResponse = Type.Object({
  ...credentialProperties,
  response: Type.Object({
    clientDataJSON: base64Url(4096),
    attestationObject: base64Url(65_536),
    transports: Type.Optional(
      Type.Array(Type.String({ maxLength: 32, pattern: '^[a-z-]+$' }), { maxItems: 10 }),
    ),
  }),
})

export const authenticationResponse = Type.Object({
  ...credentialProperties,
  response: Type.Object({
    clientDataJSON: base64Url(4096),
    authenticatorData: base64Url(65_536),
    signature: base64Url(4096),
    userHandle: Type.Optional(Type.Union([base64Url(100), Type.Null()])),
  }),
})

/** What begins a ceremony in the browser. */
export const optionsSchema = Type.Object(
  {
    options: Type.Unknown({
      description: 'For `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.',
    }),
  },
  closed,
)

/** As the library takes it: browsers send null for a handle that they don't know. */
export function toCredential(body: Static<typeof authenticationResponse>): AuthenticationResponseJSON {
  const { userHandle, ...signed } = body.response
  return { ...body, response: { ...signed, ...(typeof userHandle === 'string' && { userHandle }) } }
}
