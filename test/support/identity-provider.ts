import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
// @ts-expect-error -- it has no types
import Provider from 'oidc-provider'

interface ProviderUser {
  sub: string
  email: string
  email_verified: boolean
  name: string
}

export interface IdentityProvider {
  issuer: string
  /** Who is sitting there: signs in as soon as a browser comes. Null refuses. */
  user: ProviderUser | null
  stop(): Promise<void>
}

/** A certified OpenID Connect provider on the loopback; the page where one signs in is clicked through by itself. */
export async function startIdentityProvider(client: {
  id: string
  secret: string
  redirectUri: string
}): Promise<IdentityProvider> {
  const users = new Map<string, ProviderUser>()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const self: IdentityProvider = {
    issuer,
    user: null,
    stop: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  const provider = new Provider(issuer, {
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: [client.redirectUri] }],
    ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, IdToken: 600 },
    cookies: { keys: ['test'] },
    claims: { email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_ctx: unknown, id: string) => ({ accountId: id, claims: async () => users.get(id) }),
    async loadExistingGrant(ctx: {
      oidc: { provider: typeof provider; client: { clientId: string }; session: { accountId: string } }
    }) {
      const { oidc } = ctx
      const grant = new oidc.provider.Grant({
        clientId: oidc.client.clientId,
        accountId: oidc.session.accountId,
      })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith('/interaction/') !== true) return provider.callback()(request, response)
    const { user } = self
    if (user !== null) users.set(user.sub, user)
    const result =
      user === null ? { error: 'access_denied' } : { login: { accountId: user.sub, remember: false } }
    return provider.interactionFinished(request, response, result)
  })
  return self
}
