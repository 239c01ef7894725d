import type { User } from './session.ts'

/** All that the server knows of an account, without what would let somebody sign in. Times are ISO 8601, UTC. */
export interface AccountExport<Profile> {
  readonly exportedAt: string
  readonly user: User<Profile>
  readonly identities: readonly {
    readonly provider: string
    readonly subject: string
    readonly email: string | null
    readonly createdAt: string
  }[]
  readonly sessions: readonly {
    readonly deviceName: string | null
    readonly userAgent: string | null
    readonly ip: string | null
    readonly createdAt: string
    readonly lastUsedAt: string
  }[]
  readonly factors: readonly { readonly kind: string; readonly name: string; readonly createdAt: string }[]
  readonly passkeys: readonly { readonly name: string; readonly createdAt: string }[]
  /** The newest thousand entries of the project's log that are about the user. */
  readonly log: readonly {
    readonly action: string
    readonly at: string
    readonly actorKind: string
    readonly ip: string | null
  }[]
}
