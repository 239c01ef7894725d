import type * as OpenId from 'openid-client'
import type { JWTVerifyGetKey } from 'jose'
import { outboundFetch } from '../../platform/outbound-http.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { methodDisabled } from '../errors.ts'
import type { AuthSettings } from '../settings/auth-settings.ts'
import { appleClientSecret } from './apple-client-secret.ts'
import { providerUnavailable } from './errors.ts'
import { type Preset, presetOf } from './providers.ts'

type ProviderSettings = AuthSettings['providers'][string]

/** A provider as one project uses it, ready to talk to. */
export interface ProviderClient {
  name: string
  preset: Preset
  settings: ProviderSettings
  openid: typeof OpenId
  configuration: OpenId.Configuration
  /** The keys of its id tokens; null for a provider without any. */
  keys: JWTVerifyGetKey | null
}

export interface ProviderClients {
  /** Throws `forbidden` unless it is switched on, `unavailable` when it can't be discovered. */
  of(project: Project, name: string): Promise<ProviderClient>
}

// Providers change their endpoints and keys rarely, and announce it; keys that are unknown are asked for anyway.
const lifetimeMs = 3_600_000
const maxClients = 1_000

/** Discovers providers when they are first used, and again every hour or when the project's settings change. */
export function createProviderClients(auth: Auth): ProviderClients {
  const clients = new Map<string, { basis: string; until: number; client: Promise<ProviderClient> }>()

  return {
    async of(project, name) {
      const { settings, secrets } = await auth.settings.of(project)
      const provider = Object.hasOwn(settings.providers, name) ? settings.providers[name] : undefined
      if (provider?.enabled !== true) throw methodDisabled(name)
      const secret = Object.hasOwn(secrets.providers, name) ? secrets.providers[name] : undefined
      const key = `${project.id} ${name}`
      const basis = auth.box.mac(JSON.stringify([provider, secret ?? null]))
      const known = clients.get(key)
      if (known !== undefined && known.basis === basis && known.until > Date.now()) return known.client
      const oldest = clients.size >= maxClients ? clients.keys().next() : undefined
      if (oldest?.done === false) clients.delete(oldest.value)
      const client = connect(auth, name, provider, secret).catch((error: unknown) => {
        if (clients.get(key)?.client === client) clients.delete(key)
        throw providerUnavailable(error)
      })
      clients.set(key, { basis, until: Date.now() + lifetimeMs, client })
      return client
    },
  }
}

async function connect(
  auth: Auth,
  name: string,
  settings: ProviderSettings,
  secret: string | undefined,
): Promise<ProviderClient> {
  const [openid, { createRemoteJWKSet, customFetch }] = await Promise.all([
    import('openid-client'),
    import('jose'),
  ])
  const preset = presetOf(name)
  const fetch: OpenId.CustomFetch = (url, { body, ...init }) =>
    outboundFetch(auth.services.config, url, { ...init, body: body ?? null })
  const clientSecret = name === 'apple' && secret ? await appleClientSecret(settings, secret) : secret
  const authentication = authenticate(openid, preset, clientSecret)
  if (preset.plain !== undefined) {
    const { server } = preset.plain
    const configuration = new openid.Configuration(server, settings.clientId, undefined, authentication)
    configuration[openid.customFetch] = fetch
    return { name, preset, settings, openid, configuration, keys: null }
  }
  const issuer = new URL(settings.issuer ?? preset.issuer ?? '')
  const configuration = await openid.discovery(issuer, settings.clientId, undefined, authentication, {
    [openid.customFetch]: fetch,
    // The signature is checked although the token comes straight from the provider: TLS ends at proxies.
    execute: [
      openid.enableNonRepudiationChecks,
      ...(isLoopback(issuer) ? [openid.allowInsecureRequests] : []),
    ],
  })
  const { jwks_uri: jwksUri } = configuration.serverMetadata()
  if (jwksUri === undefined) throw new Error('the provider does not say where its keys are')
  const keys = createRemoteJWKSet(new URL(jwksUri), {
    [customFetch]: (url: string, init: RequestInit) => outboundFetch(auth.services.config, url, init),
  })
  return { name, preset, settings, openid, configuration, keys }
}

function authenticate(
  openid: typeof OpenId,
  { wantsSecretInBody }: Preset,
  secret: string | undefined,
): OpenId.ClientAuth {
  if (secret === undefined) return openid.None()
  if (wantsSecretInBody) return openid.ClientSecretPost(secret)
  const [header, body] = [openid.ClientSecretBasic(secret), openid.ClientSecretPost(secret)]
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    return (methods.includes('client_secret_basic') ? header : body)(server, ...rest)
  }
}

/** A provider under development; everybody else has TLS. */
function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}
