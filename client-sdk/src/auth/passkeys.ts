import type { Transport } from '../transport.ts'
import { keepIfAnonymous } from './keep-user.ts'
import { type CreationOptionsJson, createPasskey } from './passkey-ceremonies.ts'
import type { SessionKeeper } from './session-keeper.ts'

export interface Passkey {
  readonly id: string
  readonly name: string
  readonly createdAt: string
  readonly lastUsedAt: string | null
}

/** The passkeys of the signed-in user. */
export class PasskeysClient<Profile> {
  readonly #transport: Transport
  readonly #keeper: SessionKeeper<Profile>

  /** @internal */
  constructor(transport: Transport, keeper: SessionKeeper<Profile>) {
    this.#transport = transport
    this.#keeper = keeper
  }

  async list(): Promise<readonly Passkey[]> {
    const request = { method: 'GET', path: '/auth/passkeys' } as const
    return (await this.#transport.json<{ passkeys: Passkey[] }>(request)).passkeys
  }

  /**
   * Asks the browser for a new one. Throws its `NotAllowedError` if the user declines; fails with `step_up_required`
   * unless the user has proven lately who they are.
   */
  async add({ name }: { readonly name?: string } = {}): Promise<Passkey> {
    const path = '/auth/passkeys/registration'
    const begin = { method: 'POST', path: `${path}/options`, once: true } as const
    const { options } = await this.#transport.json<{ options: CreationOptionsJson }>(begin)
    const body = { name, response: await createPasskey(options) }
    const end = { method: 'POST', path: `${path}/verify`, body, once: true } as const
    const passkey = await this.#transport.json<Passkey>(end)
    await keepIfAnonymous(this.#transport, this.#keeper)
    return passkey
  }

  rename(id: string, name: string): Promise<Passkey> {
    return this.#transport.json({ method: 'PATCH', path: pathOf(id), body: { name } })
  }

  /** Fails with `conflict` if it is the last way in, and with `step_up_required`. */
  remove(id: string): Promise<void> {
    return this.#transport.empty({ method: 'DELETE', path: pathOf(id) })
  }
}

function pathOf(id: string): string {
  return `/auth/passkeys/${encodeURIComponent(id)}`
}
