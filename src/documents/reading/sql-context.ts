import type { Project } from '../../projects/project.ts'
import type { SqlContext, SqlParameters } from '../../query/sql-context.ts'
import type { Collection } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'

/** What expressions about a collection compile against; its table has the alias `t`. */
export async function sqlContext(
  documents: Documents,
  project: Project,
  collection: Collection,
  params: SqlParameters,
): Promise<SqlContext> {
  const collections = await documents.catalog.all(project)
  return {
    params,
    alias: 't',
    indexes: collection.queryIndexes,
    table: (name) => collections.get(name)?.table,
  }
}
