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
  /** After COMMIT; what it throws is logged and changes nothing. */
  afterSignUp: (project: Project, user: HookUser) => Promise<void>
  /** Likewise, of who has shown all that was asked for; not of operators and servers who act as a user. */
  afterSignIn: (project: Project, user: HookUser) => Promise<void>
  customClaims: (project: Project, user: HookUser) => Promise<Readonly<Record<string, unknown>>>
}

/** Nothing is hooked until functions register themselves. */
export function createAuthHooks(): AuthHooks {
  return {
    beforeSignUp: async () => undefined,
    beforeSignIn: async () => undefined,
    afterSignUp: async () => undefined,
    afterSignIn: async () => undefined,
    customClaims: async () => ({}),
  }
}
