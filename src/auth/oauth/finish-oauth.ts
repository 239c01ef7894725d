import type { IDToken } from 'openid-client'
import type { Prisma } from '../../platform/generated/client.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { makeToken, useSecret } from '../codes/one-time-codes.ts'
import { codeInvalid } from '../errors.ts'
import { accountFromClaims } from './providers.ts'
import { isObject, type ProviderAccount, readText } from './provider-account.ts'
import type { ProviderClient, ProviderClients } from './provider-clients.ts'
import { exchangeTarget, type ProvenAccount } from './exchange-code.ts'
import { callbackUrl, checkRedirect, type OAuthFlow, stateTarget } from './start-oauth.ts'

/** What the provider sent the browser back with. */
export interface OAuthAnswer {
  state: string
  code?: string | undefined
  /** RFC 9207. */
  iss?: string | undefined
  error?: string | undefined
  /** Apple tells the name here, at the first time only. */
  user?: string | undefined
}

/** For the app to exchange its code; time for a redirect, not for a copy out of the browser's history. */
const exchangeMinutes = 2

/**
 * Takes the browser back from the provider and sends it on to the app with a one-time code, or with what went wrong.
 * Nobody is signed in, made or linked here: that is for the code's exchange, which only the app that began can do.
 * Throws `code_invalid` when the state isn't this browser's.
 */
export async function finishOAuth(
  auth: Auth,
  clients: ProviderClients,
  project: Project,
  provider: string,
  answer: OAuthAnswer,
  browserSecret: string | undefined,
): Promise<string> {
  if (browserSecret === undefined) throw codeInvalid()
  const { control, log } = auth.services
  const { data } = await useSecret(control, project, 'oauth', stateTarget(browserSecret), answer.state)
  const flow = data as unknown as OAuthFlow
  if (flow.provider !== provider) throw codeInvalid()
  // The list may have changed meanwhile.
  await checkRedirect(auth, project, flow.redirectTo)
  if (answer.error !== undefined) return withFragment(flow, { error: knownError(answer.error) })
  try {
    const account = await askProvider(auth, project, await clients.of(project, provider), flow, answer)
    const proven: ProvenAccount = { provider, account }
    const code = await makeToken(control, project, {
      purpose: 'oauth',
      target: exchangeTarget(flow.codeChallenge),
      data: proven as unknown as Prisma.InputJsonObject,
      minutes: exchangeMinutes,
    })
    return withFragment(flow, { code })
  } catch (error) {
    log.warn({ err: error, project: project.ref, provider }, 'a sign-in at an identity provider failed')
    return withFragment(flow, { error: 'provider_failed' })
  }
}

async function askProvider(
  auth: Auth,
  project: Project,
  client: ProviderClient,
  { codeVerifier, nonce }: OAuthFlow,
  { state, code, iss, user }: OAuthAnswer,
): Promise<ProviderAccount> {
  const { openid, configuration, preset, name } = client
  const url = new URL(callbackUrl(auth, project, name))
  const answered = Object.entries({ state, code, iss }).filter(([, value]) => value !== undefined)
  url.search = new URLSearchParams(answered as [string, string][]).toString()
  const tokens = await openid.authorizationCodeGrant(configuration, url, {
    pkceCodeVerifier: codeVerifier,
    expectedState: state,
    ...(nonce !== null && { expectedNonce: nonce }),
    idTokenExpected: preset.plain === undefined,
  })
  const account =
    preset.plain === undefined
      ? accountFromClaims(preset, await readClaims(client, tokens.access_token, tokens.claims()))
      : await preset.plain.readAccount((resource) => getJson(client, tokens.access_token, resource))
  if (account === null) throw new Error('the provider does not say who signed in')
  return name === 'apple' ? { ...account, name: account.name ?? readAppleName(user) } : account
}

/** Providers may keep the address for their userinfo endpoint; openid-client checks that it speaks of the same subject. */
async function readClaims(
  { openid, configuration }: ProviderClient,
  accessToken: string,
  claims: IDToken | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  if (claims === undefined) return {}
  if (claims.email !== undefined || configuration.serverMetadata().userinfo_endpoint === undefined)
    return claims
  return { ...(await openid.fetchUserInfo(configuration, accessToken, claims.sub)), ...claims }
}

async function getJson(
  { openid, configuration }: ProviderClient,
  accessToken: string,
  resource: string,
): Promise<unknown> {
  const headers = new Headers({ accept: 'application/json' })
  const response = await openid.fetchProtectedResource(
    configuration,
    accessToken,
    new URL(resource),
    'GET',
    undefined,
    headers,
  )
  if (!response.ok) throw new Error(`${resource} answered ${response.status}`)
  return response.json()
}

/** `{"name":{"firstName":"Ada","lastName":"Lovelace"}}`: nobody signed it, so it is a name and nothing more. */
function readAppleName(user: string | undefined): string | null {
  try {
    const parsed: unknown = JSON.parse(user ?? '')
    const name = isObject(parsed) && isObject(parsed.name) ? parsed.name : {}
    const parts = [readText(name.firstName), readText(name.lastName)].filter((part) => part !== null)
    return readText(parts.join(' '))
  } catch {
    return null
  }
}

// RFC 6749, section 4.1.2.1. Anything else would let the provider's address write into the app's.
const knownErrors = new Set([
  'access_denied',
  'temporarily_unavailable',
  'login_required',
  'consent_required',
])

function knownError(error: string): string {
  // What Apple calls it.
  if (error === 'user_cancelled_authorize') return 'access_denied'
  return knownErrors.has(error) ? error : 'provider_failed'
}

/** In the fragment, which browsers send to no server and in no `Referer`. */
function withFragment({ redirectTo }: OAuthFlow, parameters: Record<string, string>): string {
  const url = new URL(redirectTo)
  url.hash = new URLSearchParams(parameters).toString()
  return url.href
}
