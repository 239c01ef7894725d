import type { CollectionDefinition, Schema } from './define-schema.ts'
import type { Transport } from './transport.ts'

interface CallOptions {
  readonly signal?: AbortSignal
}

export interface PutOptions extends CallOptions {
  /** Only say what would change. */
  readonly dryRun?: boolean
}

/** A collection as the server knows it. */
export interface CollectionInfo extends CollectionDefinition {
  readonly name: string
}

/** One step of bringing a collection to its definition: `create_index` on `title`, and in words. */
export interface CollectionChange {
  readonly kind: string
  readonly target: string
  readonly description: string
}

/** What putting a collection changed, or with `dryRun` would change. */
export interface CollectionChanges extends CollectionInfo {
  readonly changes: readonly CollectionChange[]
  /** What is allowed and probably not wanted. */
  readonly warnings: readonly string[]
}

/** The definitions of a project's collections. For secret keys. */
export interface CollectionsClient {
  list(options?: CallOptions): Promise<CollectionInfo[]>
  get(name: string, options?: CallOptions): Promise<CollectionInfo>
  /** Creates the collection or brings it to this definition. Repeating it changes nothing. */
  put(name: string, definition: CollectionDefinition, options?: PutOptions): Promise<CollectionChanges>
  /** Deletes the collection with all its documents. */
  delete(name: string, options?: CallOptions): Promise<void>
}

export function createCollectionsClient(transport: Transport): CollectionsClient {
  const pathOf = (name: string) => `/collections/${encodeURIComponent(name)}`
  return {
    list: async (options) => {
      const request = { method: 'GET', path: '/collections', ...options } as const
      return (await transport.json<{ collections: CollectionInfo[] }>(request)).collections
    },
    get: (name, options) => transport.json({ method: 'GET', path: pathOf(name), ...options }),
    put: (name, body, { dryRun, signal } = {}) => {
      const query = { dryRun: dryRun ? 'true' : undefined }
      return transport.json({ method: 'PUT', path: pathOf(name), query, body, signal })
    },
    delete: (name, options) => transport.empty({ method: 'DELETE', path: pathOf(name), ...options }),
  }
}

/** Puts every collection of a schema, in its order. Collections that the schema doesn't name stay as they are. */
export async function applySchema(
  collections: CollectionsClient,
  schema: Schema,
  options: PutOptions = {},
): Promise<CollectionChanges[]> {
  const changes: CollectionChanges[] = []
  for (const [name, { definition }] of Object.entries(schema.collections)) {
    changes.push(await collections.put(name, definition, options))
  }
  return changes
}
