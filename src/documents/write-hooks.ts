import type { Project } from '../projects/project.ts'
import type { JsonObject } from '../query/json.ts'
import type { Caller } from './caller.ts'
import type { PlannedWrite } from './committer/planned-write.ts'

/** A write as a project's own code sees it, before it is judged. */
export interface HookedWrite {
  kind: PlannedWrite['kind']
  collection: string
  id: string
  /** As it would be stored, with its system fields; null for a deletion. */
  document: JsonObject | null
  /** As it is stored; null for a creation. */
  before: JsonObject | null
  /** Whether all other writes of the project wait for this one. */
  holdsLock: boolean
}

/** Something that has to happen after a write, and is enqueued with it. */
export interface WriteEvent {
  /** The place of the write among those that are committed together. */
  ord: number
  /** Who hears of it. */
  name: string
  /** How many functions led to it. */
  depth: number
}

/**
 * What a project's own code does with writes. Before-hooks run inside the write, before schema and rules; what is to
 * happen afterwards is enqueued in the writing statement, so that it happens if and only if the write did.
 */
export interface WriteHooks {
  /**
   * What is to be stored instead, without system fields; undefined leaves it as it is. Throws to refuse, also where what
   * is to happen afterwards finds no room. Runs under the project's lock in transactions, and where others keep changing
   * the document.
   */
  before(caller: Caller, write: HookedWrite): Promise<JsonObject | undefined>
  /** Who hears of writes that are about to be committed. */
  eventsOf(project: Project, writes: readonly PlannedWrite[]): WriteEvent[] | Promise<WriteEvent[]>
  /** After COMMIT of writes with events. */
  enqueued(project: Project): void
}

export const noWriteHooks: WriteHooks = {
  before: () => Promise.resolve(undefined),
  eventsOf: () => [],
  enqueued: () => undefined,
}
