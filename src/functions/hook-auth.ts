import type { Auth } from '../auth/auth.ts'
import type { AuthHooks } from '../auth/auth-hooks.ts'
import type { Project } from '../projects/project.ts'
import { invokeFunction } from './calls/invoke-function.ts'
import type { FunctionKind } from './deployments/function-entry.ts'
import { functionFailed } from './errors.ts'
import type { Functions } from './functions.ts'

type HookUser = Parameters<AuthHooks['beforeSignUp']>[1]

// They stand in every token, which travels with every request.
const maxClaimsLength = 4_096

/** Lets a project's functions take part in signing up and in. A before-hook that fails refuses, as `reject` does. */
export function hookAuth({ hooks, services }: Auth, functions: Functions): void {
  const run = (kind: FunctionKind) => (project: Project, user: HookUser) =>
    runAll(functions, project, kind, user)
  hooks.beforeSignUp = (project, user) => run('beforeSignUp')(project, user).then(() => undefined)
  hooks.beforeSignIn = (project, user) => run('beforeSignIn')(project, user).then(() => undefined)
  const after = (kind: FunctionKind) => async (project: Project, user: HookUser) => {
    await run(kind)(project, user).catch((error: unknown) =>
      services.log.warn({ err: error, project: project.ref, kind }, 'a function after a sign-in failed'),
    )
  }
  hooks.afterSignUp = after('afterSignUp')
  hooks.afterSignIn = after('afterSignIn')
  hooks.customClaims = async (project, user) => {
    const results = await run('customClaims')(project, user)
    return Object.assign({}, ...results.map((result) => checkClaims(result)))
  }
}

async function runAll(
  functions: Functions,
  project: Project,
  kind: FunctionKind,
  user: HookUser,
): Promise<unknown[]> {
  const release = await functions.versions.of(project)
  const names = [...(release?.active.entries.values() ?? [])].filter((entry) => entry.kind === kind)
  const results: unknown[] = []
  for (const { name } of names) {
    const auth = { actor: null, token: null }
    const deadlineMs = functions.services.config.limits.functionHookMs
    results.push(
      await invokeFunction(functions, project, name, { kind, input: presentUser(user), auth, deadlineMs }),
    )
  }
  return results
}

/** An allow-list: what comes here may be the whole row, with the hash of the password. */
function presentUser({ id, email, phone, isAnonymous, profile, roles, claims }: HookUser): HookUser {
  return { id, email, phone, isAnonymous, profile, roles, claims }
}

function checkClaims(claims: unknown): object {
  if (claims === null) return {}
  if (
    typeof claims !== 'object' ||
    Array.isArray(claims) ||
    JSON.stringify(claims).length > maxClaimsLength
  ) {
    throw functionFailed('customClaims', `it must return an object of at most ${maxClaimsLength} characters`)
  }
  return claims
}
