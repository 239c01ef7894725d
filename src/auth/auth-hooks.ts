import type { ControlPlaneTransaction } from '../platform/prisma.ts'
import type { Project } from '../projects/project.ts'

/** A user as hooks see one: what the project knows, no secret. */
interface HookUser {
  id: string
  email: string | null
  phone: string | null
  isAnonymous: boolean
  profile: unknown
  roles: readonly string[]
  claims: unknown
}

/**
 * Seams for a project's own code. Before-hooks may refuse by throwing an `ApiError`; custom claims are added to the
 * stored ones in each new token.
 */
export interface AuthHooks {
  beforeSignUp: (project: Project, user: HookUser) => Promise<void>
  beforeSignIn: (project: Project, user: HookUser) => Promise<void>
  /** In the transaction that makes the account: what is to happen afterwards happens if and only if it commits. */
  afterSignUp: (tx: ControlPlaneTransaction, project: Project, user: HookUser) => Promise<void>
  /**
   * Before a sign-in is answered with which nothing more is owed; not for operators and servers who act as a user. It does
   * not fail.
   */
  afterSignIn: (project: Project, user: HookUser) => Promise<void>
  /** After COMMIT of what an after-hook has seen in a transaction. */
  enqueued: (project: Project) => void
  customClaims: (project: Project, user: HookUser) => Promise<Readonly<Record<string, unknown>>>
}

/** Nothing is hooked until functions register themselves. */
export function createAuthHooks(): AuthHooks {
  return {
    beforeSignUp: async () => undefined,
    beforeSignIn: async () => undefined,
    afterSignUp: async () => undefined,
    afterSignIn: async () => undefined,
    enqueued: () => undefined,
    customClaims: async () => ({}),
  }
}
