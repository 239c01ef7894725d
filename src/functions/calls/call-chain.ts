import { AsyncLocalStorage } from 'node:async_hooks'
import type { Project } from '../../projects/project.ts'
import type { Release } from '../deployments/versions.ts'
import type { FunctionLogs } from '../logs/function-logs.ts'

/** What a request that a function makes carries on, through whatever it sets off here. */
interface CallChain {
  /** How many functions led to it. */
  depth: number
  /** Of the user as whom the function acts: for the function that it calls so. */
  token: string | null
  /** Whether a write that holds the project's lock waits for it. */
  holdsLock: boolean
}

/**
 * A function that acts as its caller, or makes a user whose sign-up is hooked, looks like anybody else to what it
 * calls; a chain of such calls must end all the same.
 */
export const callChain = new AsyncLocalStorage<CallChain>()

/** So many functions may lead to one another; then it is a circle, in all likelihood. */
export const maxDepth = 8

/** Says in the logs of a function why it did not hear of something. */
export function noteBrokenChain(
  logs: FunctionLogs,
  project: Project,
  { active }: Release,
  name: string,
  what: string,
): void {
  logs.write({
    projectId: project.id,
    function: name,
    invocationId: '',
    deploymentId: active.id,
    level: 'error',
    message: `not called: more than ${maxDepth} functions led to this ${what}`,
  })
}
