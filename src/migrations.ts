import { usersRelationSql } from './auth/users/users-relation.ts'
import type { Database } from './platform/database.ts'
import { migrate } from './platform/migrate.ts'
import { geoFunctionsSql, queryFunctionsSql } from './query/functions.sql.ts'

// Beside src/ in a checkout, and beside dist/ in the package.
const folder = new URL('../prisma/migrations/', import.meta.url)

/** Brings a database to the state that this version needs: the control plane's tables, and the functions of queries. */
export async function migrateDatabase(db: Database): Promise<void> {
  await migrate(db, folder, [
    { name: 'query functions', sql: queryFunctionsSql },
    { name: 'geo functions', sql: geoFunctionsSql },
    { name: 'users relation', sql: usersRelationSql },
  ])
}
