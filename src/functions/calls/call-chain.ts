import { AsyncLocalStorage } from 'node:async_hooks'

/** What a request that a function makes carries on, through whatever it sets off here. */
interface CallChain {
  /** How many functions led to it. */
  depth: number
  /** Of the user as whom the function acts: for the function that it calls so. */
  token: string | null
}

/**
 * A function that acts as its caller, or makes a user whose sign-up is hooked, looks like anybody else to what it
 * calls; a chain of such calls must end all the same.
 */
export const callChain = new AsyncLocalStorage<CallChain>()
