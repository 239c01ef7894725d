import type { Prisma } from '../../platform/generated/client.ts'
import { hashSecret, newSecret } from '../../platform/ids.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { makeToken } from '../codes/one-time-codes.ts'
import { issuerOf } from '../sessions/access-token.ts'
import { redirectNotAllowed } from './errors.ts'
import type { ProviderClient } from './provider-clients.ts'

/** What an app asks for when it sends its user to a provider. */
export interface OAuthRequest {
  /** Where the browser comes back to: one of the settings' `redirectUrls`, to the letter. */
  redirectTo: string
  /** The app's own PKCE (RFC 7636, S256): who exchanges the code must have the verifier. */
  codeChallenge: string
}

/** What has to be known again when the browser comes back. */
export interface OAuthFlow extends OAuthRequest {
  provider: string
  /** Our PKCE towards the provider. */
  codeVerifier: string
  nonce: string | null
}

/** Seconds that somebody has for signing in at the provider. */
export const flowSeconds = 600

/** Throws unless the address is on the list, exactly. */
export async function checkRedirect(auth: Auth, project: Project, redirectTo: string): Promise<void> {
  const { settings } = await auth.settings.of(project)
  if (!settings.redirectUrls.includes(redirectTo)) throw redirectNotAllowed()
}

/** Where the provider sends the browser back to; registered there. */
export function callbackUrl(auth: Auth, project: Project, provider: string): string {
  return `${issuerOf(auth.services.config.publicUrl, project)}/auth/sign-in/oauth/${provider}/callback`
}

/**
 * Makes the provider's address for one sign-in. The state works once and only together with the secret that this
 * browser gets as a cookie, so that nobody can have somebody else finish what they began (RFC 9700, section 4.7).
 */
export async function startOAuth(
  auth: Auth,
  project: Project,
  client: ProviderClient,
  { redirectTo, codeChallenge }: OAuthRequest,
): Promise<{ url: string; state: string; browserSecret: string }> {
  const { openid, preset, configuration, settings, name } = client
  const codeVerifier = openid.randomPKCECodeVerifier()
  const nonce = preset.plain === undefined && !preset.omitsNonce ? openid.randomNonce() : null
  const browserSecret = newSecret('')
  const flow: OAuthFlow = { provider: name, redirectTo, codeChallenge, codeVerifier, nonce }
  const state = await makeToken(auth.services.control, project, {
    purpose: 'oauth',
    target: stateTarget(browserSecret),
    data: flow as unknown as Prisma.InputJsonObject,
    minutes: flowSeconds / 60,
  })
  const url = openid.buildAuthorizationUrl(configuration, {
    redirect_uri: callbackUrl(auth, project, name),
    response_type: 'code',
    scope: settings.scopes?.join(' ') ?? preset.scopes,
    state,
    code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    ...(nonce !== null && { nonce }),
    ...(preset.isFormPost && { response_mode: 'form_post' }),
  })
  return { url: url.href, state, browserSecret }
}

/** Under which a state is kept: another browser's secret finds nothing, and uses nothing up. */
export function stateTarget(browserSecret: string): string {
  return `state ${hashSecret(browserSecret)}`
}
