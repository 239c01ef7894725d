import { fromBase64Url, toBase64Url } from './base64url.ts'
import { browser } from './browser.ts'

/** https://www.w3.org/TR/webauthn-3/#dictdef-publickeycredentialcreationoptionsjson */
export interface CreationOptionsJson {
  readonly challenge: string
  readonly user: { readonly id: string }
  readonly excludeCredentials?: readonly DescriptorJson[]
}

/** https://www.w3.org/TR/webauthn-3/#dictdef-publickeycredentialrequestoptionsjson */
export interface RequestOptionsJson {
  readonly challenge: string
  readonly allowCredentials?: readonly DescriptorJson[]
}

interface DescriptorJson {
  readonly id: string
}

/** https://www.w3.org/TR/webauthn-3/#iface-pkcredential */
interface Credential<Response> {
  readonly id: string
  readonly rawId: ArrayBuffer
  readonly type: string
  readonly response: Response & { readonly clientDataJSON: ArrayBuffer }
}

interface Attestation {
  readonly attestationObject: ArrayBuffer
  getTransports(): string[]
}

interface Assertion {
  readonly authenticatorData: ArrayBuffer
  readonly signature: ArrayBuffer
  readonly userHandle: ArrayBuffer | null
}

// Browsers have these conversions of their own only since 2025 (`parseCreationOptionsFromJSON`, `toJSON`).

/** Lets the user make a passkey. Throws the browser's `NotAllowedError` if they don't. */
export async function createPasskey(options: CreationOptionsJson): Promise<object> {
  const { challenge, user, excludeCredentials = [], ...rest } = options
  const publicKey = {
    ...rest,
    challenge: fromBase64Url(challenge),
    user: { ...user, id: fromBase64Url(user.id) },
    excludeCredentials: excludeCredentials.map(parseDescriptor),
  }
  const credential = (await credentials().create({ publicKey })) as Credential<Attestation>
  const { response } = credential
  return credentialJson(credential, {
    attestationObject: toBase64Url(response.attestationObject),
    transports: response.getTransports(),
  })
}

/** Lets the user choose a passkey and sign with it. Throws the browser's `NotAllowedError` if they don't. */
export async function usePasskey(options: RequestOptionsJson): Promise<object> {
  const { challenge, allowCredentials = [], ...rest } = options
  const publicKey = {
    ...rest,
    challenge: fromBase64Url(challenge),
    allowCredentials: allowCredentials.map(parseDescriptor),
  }
  const credential = (await credentials().get({ publicKey })) as Credential<Assertion>
  const { response } = credential
  return credentialJson(credential, {
    authenticatorData: toBase64Url(response.authenticatorData),
    signature: toBase64Url(response.signature),
    userHandle: response.userHandle && toBase64Url(response.userHandle),
  })
}

function credentials() {
  const found = browser.navigator?.credentials
  if (found === undefined) throw new TypeError('Passkeys need a browser, and a page on HTTPS or localhost')
  return found
}

function parseDescriptor({ id, ...rest }: DescriptorJson): object {
  return { ...rest, id: fromBase64Url(id) }
}

function credentialJson({ id, rawId, type, response }: Credential<object>, answer: object): object {
  return {
    id,
    rawId: toBase64Url(rawId),
    type,
    // What extensions say is not asked for.
    clientExtensionResults: {},
    response: { clientDataJSON: toBase64Url(response.clientDataJSON), ...answer },
  }
}
