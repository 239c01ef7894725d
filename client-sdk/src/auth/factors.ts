import type { Transport } from '../transport.ts'
import type { SessionKeeper } from './session-keeper.ts'
import type { Session } from './session.ts'

/** An authenticator app. */
export interface Factor {
  readonly id: string
  readonly kind: 'totp'
  readonly name: string
  readonly createdAt: string
  readonly isConfirmed: boolean
}

export interface Factors {
  readonly factors: readonly Factor[]
  readonly recoveryCodesLeft: number
}

export interface EnrolledFactor {
  readonly id: string
  /** Base32, for typing. */
  readonly secret: string
  /** `otpauth://…`, for a QR code. */
  readonly uri: string
}

/** The second factors of the signed-in user. */
export class FactorsClient<Profile> {
  readonly #transport: Transport
  readonly #keeper: SessionKeeper<Profile>

  /** @internal */
  constructor(transport: Transport, keeper: SessionKeeper<Profile>) {
    this.#transport = transport
    this.#keeper = keeper
  }

  list(): Promise<Factors> {
    return this.#transport.json({ method: 'GET', path: '/auth/factors' })
  }

  /** Begins to set up an authenticator app; `confirm` with its first code ends it. */
  enrol({ name }: { readonly name?: string } = {}): Promise<EnrolledFactor> {
    return this.#transport.json({ method: 'POST', path: '/auth/factors/totp', body: { name }, once: true })
  }

  /** Recovery codes come with the first factor, and never again. Fails with `code_invalid`. */
  async confirm(id: string, code: string): Promise<{ readonly recoveryCodes: readonly string[] | null }> {
    const { session, recoveryCodes } = await this.#transport.json<{
      session: Session<Profile>
      recoveryCodes: string[] | null
    }>({ method: 'POST', path: `${pathOf(id)}/confirm`, body: { code }, once: true })
    await this.#keeper.replace(session)
    return { recoveryCodes }
  }

  /** Fails with `step_up_required` unless the user has proven lately who they are. */
  remove(id: string): Promise<void> {
    return this.#transport.empty({ method: 'DELETE', path: pathOf(id) })
  }

  /** New recovery codes; the old ones are worth nothing from then on. */
  async replaceRecoveryCodes(): Promise<readonly string[]> {
    const { recoveryCodes } = await this.#transport.json<{ recoveryCodes: string[] }>({
      method: 'POST',
      path: '/auth/factors/recovery-codes',
      once: true,
    })
    return recoveryCodes
  }
}

function pathOf(id: string): string {
  return `/auth/factors/${encodeURIComponent(id)}`
}
