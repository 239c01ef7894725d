import type { SignedInDevice } from '../auth/auth-client.ts'
import type { Session, UntypedProfile, User } from '../auth/session.ts'
import { exportDocuments } from '../export-documents.ts'
import { importDocuments, type ImportOptions, type ImportSummary } from '../import-documents.ts'
import type { Transport } from '../transport.ts'

interface CallOptions {
  readonly signal?: AbortSignal
}

/** A user as servers see one. */
export interface ManagedUser<Profile = UntypedProfile> extends User<Profile> {
  readonly suspendedAt: string | null
  readonly hasPassword: boolean
  readonly hasSecondFactor: boolean
  readonly identities: readonly {
    readonly id: string
    readonly provider: string
    /** Who they are there. */
    readonly subject: string
    readonly email: string | null
  }[]
}

/** What a server may say of a user. */
interface Writable<Profile> {
  readonly email?: string | null
  readonly isEmailVerified?: boolean
  readonly phone?: string | null
  readonly isPhoneVerified?: boolean
  readonly profile?: Profile
  readonly roles?: readonly string[]
  readonly claims?: Readonly<Record<string, unknown>>
  readonly suspended?: boolean
}

/** A hash that another system made; replaced by ours at the first sign-in. Salts and hashes are in base64. */
export type PasswordHash =
  | { readonly kind: 'argon2' | 'bcrypt'; readonly hash: string }
  | {
      readonly kind: 'pbkdf2'
      readonly digest: 'sha1' | 'sha256' | 'sha512'
      readonly iterations: number
      readonly salt: string
      readonly hash: string
    }
  | {
      readonly kind: 'firebase-scrypt'
      readonly salt: string
      readonly hash: string
      readonly signerKey: string
      readonly saltSeparator: string
      readonly rounds: number
      readonly memoryCost: number
    }

export interface NewUser<Profile = UntypedProfile> extends Writable<Profile> {
  readonly id?: string
  readonly password?: string
  readonly passwordHash?: PasswordHash
}

export interface ImportedUser<Profile = UntypedProfile> extends Writable<Profile> {
  readonly id?: string
  readonly passwordHash?: PasswordHash
  readonly createdAt?: string
  readonly identities?: readonly {
    readonly provider: string
    readonly subject: string
    readonly email?: string | null
  }[]
}

/** Profile and claims are merged (RFC 7396: null removes), all else is replaced. */
export interface ManagedUserChange extends Writable<UntypedProfile> {
  readonly password?: string
}

export interface UserSearch extends CallOptions {
  /** What the address, or the number, begins with. */
  readonly email?: string
  readonly phone?: string
  readonly id?: string
  readonly role?: string
  readonly suspended?: boolean
  readonly anonymous?: boolean
  /** Default 50, at most 500. */
  readonly limit?: number
  /** The `nextCursor` of the page before. */
  readonly after?: string
}

export interface UserPage<Profile> {
  readonly users: readonly ManagedUser<Profile>[]
  readonly nextCursor: string | null
}

export interface ManagedFactors {
  readonly factors: readonly {
    readonly id: string
    readonly kind: 'totp' | 'passkey'
    readonly name: string
    readonly createdAt: string
    /** Known of passkeys only. */
    readonly lastUsedAt: string | null
  }[]
  readonly recoveryCodesLeft: number
}

/** The project's users, for secret keys. All of it is in the audit log. */
export class UsersClient<Profile = UntypedProfile> {
  readonly #transport: Transport

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** The newest first. */
  list({ signal, ...search }: UserSearch = {}): Promise<UserPage<Profile>> {
    const given = Object.entries(search).filter(([, value]) => value !== undefined)
    const query = Object.fromEntries(given.map(([name, value]) => [name, String(value)]))
    return this.#transport.json({ method: 'GET', path: '/users', query, signal })
  }

  get(id: string, options?: CallOptions): Promise<ManagedUser<Profile>> {
    return this.#transport.json({ method: 'GET', path: pathOf(id), ...options })
  }

  /** Fails with `already_exists` on an address, number or id that is taken. */
  create(user: NewUser<Profile>): Promise<ManagedUser<Profile>> {
    return this.#transport.json({ method: 'POST', path: '/users', body: user, once: true })
  }

  /** Roles, claims, profile, address, password; `suspended: true` ends all sessions and lets nobody in. */
  update(id: string, change: ManagedUserChange): Promise<ManagedUser<Profile>> {
    return this.#transport.json({ method: 'PATCH', path: pathOf(id), body: change })
  }

  /** For good, with sessions, identities and factors. What they wrote into collections stays. */
  delete(id: string): Promise<void> {
    return this.#transport.empty({ method: 'DELETE', path: pathOf(id) })
  }

  /** Each for itself: what is wrong with one is in `errors`, and the others are made. */
  import(
    users: Iterable<ImportedUser<Profile>> | AsyncIterable<ImportedUser<Profile>>,
    options: Omit<ImportOptions, 'onConflict'> = {},
  ): Promise<ImportSummary> {
    return importDocuments(this.#transport, '/users', users, options)
  }

  /** Every user, as they arrive. Without hashes. */
  export({ signal }: CallOptions = {}): AsyncGenerator<ManagedUser<Profile>, void, undefined> {
    return exportDocuments(this.#transport, '/users', signal)
  }

  /** A session as the user for an hour, whose tokens say who really acts: `basalt.as(session)`. */
  impersonate(id: string): Promise<Session<Profile>> {
    return this.#transport.json({ method: 'POST', path: `${pathOf(id)}/impersonate`, once: true })
  }

  async sessions(id: string, options?: CallOptions): Promise<readonly SignedInDevice[]> {
    const request = { method: 'GET', path: `${pathOf(id)}/sessions`, ...options } as const
    return (await this.#transport.json<{ sessions: SignedInDevice[] }>(request)).sessions
  }

  /** Signs the user out, on one device or on all. */
  endSessions(id: string, sessionId?: string): Promise<void> {
    return this.#transport.empty({ method: 'DELETE', path: pathOf(id, 'sessions', sessionId) })
  }

  factors(id: string, options?: CallOptions): Promise<ManagedFactors> {
    return this.#transport.json({ method: 'GET', path: `${pathOf(id)}/factors`, ...options })
  }

  /** Takes away one that was lost, or all with the recovery codes. The user is signed out everywhere, and told. */
  removeFactors(id: string, factorId?: string): Promise<void> {
    return this.#transport.empty({ method: 'DELETE', path: pathOf(id, 'factors', factorId) })
  }

  /**
   * Takes an account at a provider from the user, who is signed out everywhere, and told. Fails with `conflict` if it is
   * the last way in, unless forced.
   */
  unlinkIdentity(id: string, identityId: string, options: { readonly force?: boolean } = {}): Promise<void> {
    const query = options.force === true ? { force: 'true' } : {}
    return this.#transport.empty({ method: 'DELETE', path: pathOf(id, 'identities', identityId), query })
  }
}

function pathOf(...names: (string | undefined)[]): string {
  const given = names.filter((name) => name !== undefined)
  return ['/users', ...given.map((name) => encodeURIComponent(name))].join('/')
}
