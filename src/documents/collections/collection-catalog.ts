import { Value } from 'typebox/value'
import type { Services } from '../../platform/services.ts'
import type { Project } from '../../projects/project.ts'
import { collectionNotFound } from '../errors.ts'
import { builtInCollections, effectiveDefinition } from './built-in-collections.ts'
import { type Collection, compileCollection } from './collection.ts'
import { CollectionDefinition, completeDefinition } from './collection-definition.ts'

/** The collections of all projects, compiled and kept until they change. */
export interface CollectionCatalog {
  /** Throws 404 for what is not declared; reserved names can't be declared. At once when it is in memory. */
  get(project: Project, name: string): Collection | Promise<Collection>
  find(project: Project, name: string): Promise<Collection | undefined>
  all(project: Project): Promise<ReadonlyMap<string, Collection>>
  /** After a change was committed: on this node at once, on the others through the bus. */
  changed(project: Project): void
}

type Loaded = ReadonlyMap<string, Collection>

// Ten thousand compiled collections are some hundred megabytes; the least recently loaded go first.
const maxProjects = 500

export function createCollectionCatalog({ control, bus }: Services): CollectionCatalog {
  const loading = new Map<string, Promise<Loaded>>()
  const loaded = new Map<string, Loaded>()

  function forget(projectId: string): void {
    loading.delete(projectId)
    loaded.delete(projectId)
  }

  bus.subscribe('collections', forget)
  bus.onReset(() => {
    loading.clear()
    loaded.clear()
  })

  function all(project: Project): Promise<Loaded> {
    const known = loading.get(project.id)
    if (known !== undefined) return known
    const made = load(project)
    loading.set(project.id, made)
    made.then(
      (collections) => {
        // Whoever changed the collections meanwhile has taken this promise away: its result is not kept.
        if (loading.get(project.id) !== made) return
        loaded.set(project.id, collections)
        const oldest = loaded.size > maxProjects ? loaded.keys().next().value : undefined
        if (oldest !== undefined) forget(oldest)
      },
      () => {
        if (loading.get(project.id) === made) loading.delete(project.id)
      },
    )
    return made
  }

  async function load(project: Project): Promise<Loaded> {
    const rows = await control.collection.findMany({
      where: { projectId: project.id },
      orderBy: { name: 'asc' },
    })
    const declared = new Map(
      rows.map(({ name, schema, indexes, rules, fields }) => {
        const definition = Value.Parse(CollectionDefinition, { schema, indexes, rules, fields })
        return [name, completeDefinition(definition)]
      }),
    )
    for (const [name, { defaults }] of builtInCollections) {
      if (!declared.has(name)) declared.set(name, defaults)
    }
    return new Map(
      [...declared].map(([name, definition]) => [
        name,
        compileCollection(project, name, effectiveDefinition(name, definition)),
      ]),
    )
  }

  function required(collections: Loaded, name: string): Collection {
    const collection = collections.get(name)
    if (collection === undefined) throw collectionNotFound(name)
    return collection
  }

  return {
    get(project, name) {
      const known = loaded.get(project.id)
      return known === undefined
        ? all(project).then((collections) => required(collections, name))
        : required(known, name)
    },
    async find(project, name) {
      return (await all(project)).get(name)
    },
    all,
    changed(project) {
      bus.publish('collections', project.id)
    },
  }
}
