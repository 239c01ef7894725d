import type { Actor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { FunctionEntry } from '../deployments/function-entry.ts'
import type { Version } from '../deployments/versions.ts'

/** Who calls a function. `null`: Basalt itself. */
export interface InvocationAuth {
  actor: Actor | null
  /** Of the user: `ctx.as` acts with it for as long as it is valid. It never gets into the sandbox. */
  token: string | null
}

/** A call as the server knows it: what a function's requests and lines are known by. */
export interface LiveInvocation {
  id: string
  project: Project
  version: Version
  entry: FunctionEntry
  auth: InvocationAuth
  depth: number
  /** Whether a write that holds the project's lock waits for its end. */
  holdsLock: boolean
  /** Of a task: what callers see of how far it is. */
  progress: ((value: unknown) => void) | undefined
}

/** The calls under way on this node, and for a while those that are over: `waitUntil` goes on, and lines come late. */
export interface Invocations {
  begin(invocation: LiveInvocation): void
  end(id: string): void
  find(id: string): LiveInvocation | undefined
}

const generationMs = 30_000

export function createInvocations(): Invocations {
  const live = new Map<string, LiveInvocation>()
  let recent = new Map<string, LiveInvocation>()
  let older = recent
  let turnedAt = Date.now()

  function turn(): void {
    const now = Date.now()
    if (now - turnedAt < generationMs) return
    older = now - turnedAt < generationMs * 2 ? recent : new Map()
    recent = new Map()
    turnedAt = now
  }

  return {
    begin: (invocation) => live.set(invocation.id, invocation),
    end(id) {
      turn()
      const invocation = live.get(id)
      // What goes on behind the answer holds nobody up.
      if (invocation !== undefined) recent.set(id, { ...invocation, holdsLock: false, progress: undefined })
      live.delete(id)
    },
    find(id) {
      turn()
      return live.get(id) ?? recent.get(id) ?? older.get(id)
    },
  }
}
