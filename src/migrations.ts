import { usersRelationSql } from './auth/users/users-relation.ts'
import type { Database } from './platform/database.ts'
import { migrate } from './platform/migrate.ts'
import { geoFunctionsSql, queryFunctionsSql } from './query/functions.sql.ts'
import { migrateWorker } from './tasks/graphile.ts'
import { taskFunctionsSql } from './tasks/functions.sql.ts'

// Beside src/ in a checkout, and beside dist/ in the package.
const folder = new URL('../prisma/migrations/', import.meta.url)

const definitions = [
  { name: 'query functions', sql: queryFunctionsSql },
  { name: 'geo functions', sql: geoFunctionsSql },
  { name: 'users relation', sql: usersRelationSql },
  { name: 'task functions', sql: taskFunctionsSql },
]

/** Brings a database to the state that this version needs: the control plane's tables, the worker's, and functions. */
export async function migrateDatabase(db: Database): Promise<void> {
  await migrate(db, folder, definitions, () => migrateWorker(db))
}
