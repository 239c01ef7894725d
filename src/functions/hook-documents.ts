import { type ReadChange, shareChangeReads } from '../changes/share-change-reads.ts'
import { toDocuments } from '../changes/present-change.ts'
import type { Caller } from '../documents/caller.ts'
import type { PlannedWrite } from '../documents/committer/planned-write.ts'
import type { Documents } from '../documents/documents.ts'
import type { HookedWrite, WriteEvent } from '../documents/write-hooks.ts'
import { type Project, projectSchema } from '../projects/project.ts'
import { isJsonObject, type JsonObject } from '../query/json.ts'
import { TaskFailure, type TaskRun } from '../tasks/task.ts'
import { maxDepth, noteBrokenChain } from './calls/call-chain.ts'
import { invokeFunction } from './calls/invoke-function.ts'
import type { FunctionEntry, FunctionKind } from './deployments/function-entry.ts'
import type { Release } from './deployments/versions.ts'
import { functionFailed } from './errors.ts'
import type { Functions } from './functions.ts'
import { runAsTask } from './run-tasks.ts'

type WriteKind = PlannedWrite['kind']

const beforeKinds: Record<WriteKind, FunctionKind> = {
  create: 'beforeCreate',
  update: 'beforeUpdate',
  delete: 'beforeDelete',
}

const afterKinds: Record<WriteKind, FunctionKind> = {
  create: 'afterCreate',
  update: 'afterUpdate',
  delete: 'afterDelete',
}

/** Lets a project's functions take part in its writes. */
export function hookDocuments(documents: Documents, functions: Functions): void {
  const { tasks, versions } = functions
  documents.hooks = {
    async before(caller, write) {
      const release = await versions.of(caller.project)
      const entries = listening(release, write.collection, [beforeKinds[write.kind]])
      const changed = entries.length === 0 ? undefined : await runBefore(functions, caller, entries, write)
      // Here, and not where the tasks are enqueued: others' writes share that statement.
      const after = listening(release, write.collection, [afterKinds[write.kind], 'afterWrite'])
      if (after.length > 0) await tasks.checkQuota(caller.project.id, after.length)
      return changed
    },
    eventsOf(project, writes) {
      const release = versions.of(project)
      return release instanceof Promise
        ? release.then((found) => eventsOf(functions, project, found, writes))
        : eventsOf(functions, project, release, writes)
    },
    enqueued: (project) => tasks.wake(project),
  }
  const readChange = shareChangeReads(documents.services.db)
  tasks.handle('write_event', (run) => deliver(readChange, functions, run))
}

function listening(
  release: Release | null,
  collection: string,
  kinds: readonly FunctionKind[],
): FunctionEntry[] {
  if (release === null) return []
  return [...release.active.entries.values()].filter(
    ({ kind, settings }) => kinds.includes(kind) && settings.collection === collection,
  )
}

/** One after the other, each on what the one before has made of it. */
async function runBefore(
  functions: Functions,
  { project, actor }: Caller,
  entries: readonly FunctionEntry[],
  { collection, id, document: given, before, holdsLock }: HookedWrite,
): Promise<JsonObject | undefined> {
  let changed: JsonObject | undefined
  for (const { name, kind } of entries) {
    const document = changed === undefined ? given : { ...systemFields(given), ...changed }
    const output = await invokeFunction(functions, project, name, {
      kind,
      input: { collection, id, document, before },
      auth: { actor, token: null },
      deadlineMs: functions.services.config.limits.functionHookMs,
      holdsLock,
    })
    changed = given === null ? undefined : (dataOf(name, output) ?? changed)
  }
  return changed
}

/** What a hook returns is the document, with or without its system fields, or nothing. */
function dataOf(name: string, output: unknown): JsonObject | undefined {
  if (output === null) return undefined
  if (!isJsonObject(output)) throw functionFailed(name, 'it must return a document, or nothing')
  const { id: _id, createdAt: _createdAt, updatedAt: _updatedAt, version: _version, ...data } = output
  return data
}

function systemFields(document: JsonObject | null): JsonObject {
  const { id = null, createdAt = null, updatedAt = null, version = null } = document ?? {}
  return { id, createdAt, updatedAt, version }
}

function eventsOf(
  functions: Functions,
  project: Project,
  release: Release | null,
  writes: readonly PlannedWrite[],
): WriteEvent[] {
  if (release === null) return []
  return writes.flatMap(({ collection, kind, depth = 0 }, ord) =>
    listening(release, collection, [afterKinds[kind], 'afterWrite']).flatMap((entry) => {
      if (depth < maxDepth) return [{ ord, name: entry.name, depth: depth + 1 }]
      noteBrokenChain(functions.logs, project, release, entry.name, 'write')
      return []
    }),
  )
}

/** Tells a function what was written, as it was committed: from the change log, by the number of the change. */
async function deliver(readChange: ReadChange, functions: Functions, run: TaskRun): Promise<unknown> {
  const { seq, depth } = run.task.payload as { seq: number; depth: number }
  const row = await readChange(projectSchema(run.project), seq)
  if (row === undefined) {
    throw new TaskFailure('change_gone', `The change ${seq} is not in the log any more.`, {
      isPermanent: true,
    })
  }
  const { collection, id } = row
  const input = { collection, id, ...toDocuments(row) }
  return runAsTask(functions, run, ({ name }) => name === run.task.name, { input, depth })
}
