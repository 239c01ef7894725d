import type { Transport } from '../transport.ts'
import { keepIfAnonymous } from './keep-user.ts'
import type { OAuthFlow } from './oauth-flow.ts'
import type { SessionKeeper } from './session-keeper.ts'

/** An account elsewhere that signs the user in. */
export interface Identity {
  readonly id: string
  /** `google`, `github` … */
  readonly provider: string
  /** As the provider told it. */
  readonly email: string | null
  readonly createdAt: string
}

/** What a native app got from a provider. */
export interface IdToken {
  readonly provider: string
  readonly idToken: string
  readonly nonce?: string
  readonly accessToken?: string
}

/**
 * The accounts elsewhere that sign the user in. Adding and removing fail with `step_up_required` unless the user has
 * proven lately who they are.
 */
export class IdentitiesClient<Profile> {
  readonly #transport: Transport
  readonly #keeper: SessionKeeper<Profile>
  readonly #flow: OAuthFlow

  /** @internal */
  constructor(transport: Transport, keeper: SessionKeeper<Profile>, flow: OAuthFlow) {
    this.#transport = transport
    this.#keeper = keeper
    this.#flow = flow
  }

  async list(): Promise<readonly Identity[]> {
    const request = { method: 'GET', path: '/auth/identities' } as const
    return (await this.#transport.json<{ identities: Identity[] }>(request)).identities
  }

  /**
   * Sends the browser to a provider, as `signInWithOAuth` does; `handleRedirect` ends it on the page that it comes back
   * to. Fails there with `already_exists` if the account signs somebody else in.
   */
  link(
    provider: string,
    options: { readonly redirectTo?: string | undefined } = {},
  ): Promise<{ readonly url: string }> {
    return this.#flow.begin(provider, 'link', options)
  }

  /** With an id token that a native app got from a provider. */
  linkWithIdToken({ provider, ...proof }: IdToken): Promise<Identity> {
    return this.finishLink(provider, proof)
  }

  /** Fails with `conflict` if it is the last way in. */
  unlink(id: string): Promise<void> {
    return this.#transport.empty({ method: 'DELETE', path: pathOf(id) })
  }

  /** @internal */
  async finishLink(provider: string, body: object): Promise<Identity> {
    const request = { method: 'POST', path: pathOf(provider), body, once: true } as const
    const identity = await this.#transport.json<Identity>(request)
    await keepIfAnonymous(this.#transport, this.#keeper)
    return identity
  }
}

function pathOf(name: string): string {
  return `/auth/identities/${encodeURIComponent(name)}`
}
