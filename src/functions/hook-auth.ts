import type { Auth } from '../auth/auth.ts'
import type { AuthHooks } from '../auth/auth-hooks.ts'
import type { ControlPlaneTransaction } from '../platform/prisma.ts'
import type { Project } from '../projects/project.ts'
import { callChain, maxDepth, noteBrokenChain } from './calls/call-chain.ts'
import { invokeFunction } from './calls/invoke-function.ts'
import type { FunctionKind } from './deployments/function-entry.ts'
import { functionFailed } from './errors.ts'
import type { Functions } from './functions.ts'
import { runAsTask } from './run-tasks.ts'

type HookUser = Parameters<AuthHooks['beforeSignUp']>[1]

// They stand in every token, which travels with every request.
const maxClaimsLength = 4_096

/** The kind of the tasks that tell a function of what happened to a user. */
const userEventKind = 'user_event'

/** The user is read when the function is called: tasks are seen by others than users are. */
interface UserEvent {
  userId: string
  depth: number
}

/**
 * Lets a project's functions take part in signing up and in. A before-hook that fails refuses, as `reject` does. What
 * comes after is a task that the transaction enqueues.
 */
export function hookAuth({ hooks, services }: Auth, functions: Functions): void {
  const run = (kind: FunctionKind) => (project: Project, user: HookUser) =>
    runAll(functions, project, kind, user)
  hooks.beforeSignUp = (project, user) => run('beforeSignUp')(project, user).then(() => undefined)
  hooks.beforeSignIn = (project, user) => run('beforeSignIn')(project, user).then(() => undefined)
  hooks.afterSignUp = (tx, project, user) => enqueueAfter(functions, tx, project, 'afterSignUp', user.id)
  hooks.afterSignIn = async (project, user) => {
    try {
      await enqueueAfter(functions, services.control, project, 'afterSignIn', user.id)
      functions.tasks.wake(project)
    } catch (error) {
      // The session stands. Who can sign in does not hang on how many tasks wait.
      services.log.warn({ err: error, project: project.ref }, 'functions are not told of a sign-in')
    }
  }
  hooks.enqueued = (project) => functions.tasks.wake(project)
  hooks.customClaims = async (project, user) => {
    const results = await run('customClaims')(project, user)
    return Object.assign({}, ...results.map((result) => checkClaims(result)))
  }
  functions.tasks.handle(userEventKind, async (run) => {
    const { userId, depth } = run.task.payload as UserEvent
    const user = await services.control.user.findFirst({ where: { id: userId, projectId: run.project.id } })
    // The account is gone, and with it what was to be told.
    if (user === null) return null
    const input = presentUser(user)
    return runAsTask(functions, run, ({ name }) => name === run.task.name, { input, depth })
  })
}

/** Throws 429 where no more tasks may wait. */
async function enqueueAfter(
  { versions, tasks, logs }: Functions,
  tx: ControlPlaneTransaction,
  project: Project,
  kind: FunctionKind,
  userId: string,
): Promise<void> {
  const release = await versions.of(project)
  const entries = [...(release?.active.entries.values() ?? [])].filter((entry) => entry.kind === kind)
  if (release === null || entries.length === 0) return
  const depth = callChain.getStore()?.depth ?? 0
  if (depth > maxDepth) {
    for (const { name } of entries) noteBrokenChain(logs, project, release, name, 'account')
    return
  }
  const payload: UserEvent = { userId, depth }
  await tasks.checkQuota(project.id, entries.length)
  await tasks.enqueueInControl(
    tx,
    project,
    entries.map(({ name }) => ({ kind: userEventKind, name, payload, timeoutMs: 60_000 })),
  )
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
