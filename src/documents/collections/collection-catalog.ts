import { Value } from 'typebox/value'
import type { Services } from '../../platform/services.ts'
import type { Project } from '../../projects/project.ts'
import { ApiError, type Issue } from '../../platform/errors.ts'
import { collectionBroken, collectionNotFound } from '../errors.ts'
import { builtInCollections, effectiveDefinition } from './built-in-collections.ts'
import { brokenCollection, type Collection, compileCollection } from './collection.ts'
import { CollectionDefinition, completeDefinition } from './collection-definition.ts'

/** The collections of all projects, compiled and kept until they change. */
export interface CollectionCatalog {
  /**
   * Throws 404 for what is not declared, and 409 for what is and does not compile; reserved names can't be declared. At
   * once when it is in memory.
   */
  get(project: Project, name: string): Collection | Promise<Collection>
  /** Also one that is broken, as are those of `all`: to look at what is declared and into what is stored. */
  find(project: Project, name: string): Promise<Collection | undefined>
  all(project: Project): Promise<ReadonlyMap<string, Collection>>
  /** After a change was committed: on this node at once, on the others through the bus. */
  changed(project: Project): void
}

type Loaded = ReadonlyMap<string, Collection>

interface Entry {
  collections: Loaded
  /** Which declarations these are; another one in the database means that somebody changed them. */
  stamp: string
  checkedAt: number
  checking: Promise<void> | undefined
}

// Ten thousand compiled collections are some hundred megabytes; the least recently loaded go first.
const maxProjects = 500
// The net under lost notifications: a node that is killed after COMMIT tells nobody. A rule that was changed holds
// everywhere after the second of these times. Compiling is dear, so only the stamps are read again.
const checkAfterMs = 3_000
const maxAgeMs = 5_000

export function createCollectionCatalog({ control, bus, log }: Services): CollectionCatalog {
  const loading = new Map<string, Promise<Entry>>()
  const loaded = new Map<string, Entry>()

  function forget(projectId: string): void {
    loading.delete(projectId)
    loaded.delete(projectId)
  }

  bus.subscribe('collections', forget)
  bus.onReset(() => {
    loading.clear()
    loaded.clear()
  })

  function current(project: Project): Loaded | Promise<Loaded> {
    const entry = loaded.get(project.id)
    if (entry === undefined) return loadOnce(project).then(({ collections }) => collections)
    const age = Date.now() - entry.checkedAt
    if (age < checkAfterMs) return entry.collections
    entry.checking ??= check(project, entry).finally(() => (entry.checking = undefined))
    if (age >= maxAgeMs) return entry.checking.then(() => current(project))
    // A failure shows when the entry is too old.
    entry.checking.catch(() => undefined)
    return entry.collections
  }

  async function check(project: Project, entry: Entry): Promise<void> {
    const startedAt = Date.now()
    const rows = await control.collection.findMany({
      where: { projectId: project.id },
      select: { id: true, updatedAt: true },
      orderBy: { name: 'asc' },
    })
    if (stampOf(rows) === entry.stamp) entry.checkedAt = startedAt
    else if (loaded.get(project.id) === entry) forget(project.id)
  }

  function loadOnce(project: Project): Promise<Entry> {
    const known = loading.get(project.id)
    if (known !== undefined) return known
    const made = load(project)
    loading.set(project.id, made)
    made.then(
      (entry) => {
        // Whoever changed the collections meanwhile has taken this promise away: its result is not kept.
        if (loading.get(project.id) !== made) return
        loading.delete(project.id)
        loaded.set(project.id, entry)
        const oldest = loaded.size > maxProjects ? loaded.keys().next().value : undefined
        if (oldest !== undefined) forget(oldest)
      },
      () => {
        if (loading.get(project.id) === made) loading.delete(project.id)
      },
    )
    return made
  }

  async function load(project: Project): Promise<Entry> {
    const checkedAt = Date.now()
    const rows = await control.collection.findMany({
      where: { projectId: project.id },
      orderBy: { name: 'asc' },
    })
    const collections = new Map(
      rows.map(({ name, schema, indexes, rules, fields }) => [
        name,
        compileStored(project, name, { schema, indexes, rules, fields }),
      ]),
    )
    for (const [name, { defaults }] of builtInCollections) {
      if (!collections.has(name)) collections.set(name, compileCollection(project, name, defaults))
    }
    return { collections, stamp: stampOf(rows), checkedAt, checking: undefined }
  }

  /** One that does not compile, after an update of the server perhaps, must not take the others with it. */
  function compileStored(project: Project, name: string, stored: Record<string, unknown>): Collection {
    const isRead = Value.Check(CollectionDefinition, stored)
    const definition = completeDefinition(isRead ? stored : {})
    try {
      const parsed = completeDefinition(Value.Parse(CollectionDefinition, stored))
      return compileCollection(project, name, effectiveDefinition(name, parsed))
    } catch (error) {
      log.error(
        { err: error, project: project.ref, collection: name },
        'a collection is closed: it is broken',
      )
      return brokenCollection(project, name, definition, faultsOf(error))
    }
  }

  function required(collections: Loaded, name: string): Collection {
    const collection = collections.get(name)
    if (collection === undefined) throw collectionNotFound(name)
    if (collection.faults !== undefined) throw collectionBroken(name)
    return collection
  }

  return {
    get(project, name) {
      const known = current(project)
      return known instanceof Promise
        ? known.then((collections) => required(collections, name))
        : required(known, name)
    },
    async find(project, name) {
      return (await current(project)).get(name)
    },
    async all(project) {
      return current(project)
    },
    changed(project) {
      bus.publish('collections', project.id)
    },
  }
}

function faultsOf(error: unknown): readonly Issue[] {
  if (error instanceof ApiError && error.errors.length > 0) return error.errors
  return [{ path: '', code: 'invalid', message: 'is not what a declaration looks like' }]
}

function stampOf(rows: readonly { id: string; updatedAt: Date }[]): string {
  return rows.map(({ id, updatedAt }) => `${id} ${updatedAt.getTime()}`).join()
}
