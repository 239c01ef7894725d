import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type pg from 'pg'
import { type Database, inTransaction, type Transaction } from './database.ts'

/** SQL that may run again and again (`CREATE OR REPLACE …`), kept in the code beside what uses it. */
export interface DefinitionScript {
  name: string
  sql: string
}

// Any number that no other program on this database uses for its advisory locks.
const migrationLock = 7_305_148_121n

/**
 * Brings the database to the state that this version needs. Nodes that start together wait for each other.
 * Migrations are recorded as Prisma records them, so that `prisma migrate` works on the same database.
 *
 * @param folder where `prisma/migrations` lies
 * @param ofLibraries migrates the tables of a library, on connections of its own, before `definitions` speak of them
 */
export async function migrate(
  db: Database,
  folder: URL,
  definitions: DefinitionScript[],
  ofLibraries: () => Promise<void>,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [migrationLock.toString()])
    await tx.query('CREATE SCHEMA IF NOT EXISTS basalt')
    await tx.query('SET LOCAL search_path TO basalt')
    await tx.query(migrationsTable)
    const applied = await readApplied(tx)
    for (const migration of await readMigrations(folder)) {
      const checksum = applied.get(migration.name)
      if (checksum === undefined) await applyMigration(tx, migration)
      else if (checksum !== migration.checksum) {
        throw new Error(`The migration ${migration.name} was changed after it had been applied.`)
      }
    }
    await ofLibraries()
    for (const definition of definitions) await applyDefinition(tx, definition)
  })
}

interface Migration {
  name: string
  sql: string
  checksum: string
}

async function readMigrations(folder: URL): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(new URL(`${name}/migration.sql`, folder), 'utf8')
      return { name, sql, checksum: sha256(sql) }
    }),
  )
}

async function readApplied(tx: Transaction): Promise<Map<string, string>> {
  const { rows } = await tx.query<{ migration_name: string; checksum: string }>(`
    SELECT migration_name, checksum
    FROM basalt._prisma_migrations
    WHERE rolled_back_at IS NULL
  `)
  return new Map(rows.map((row) => [row.migration_name, row.checksum]))
}

async function applyMigration(tx: pg.ClientBase, migration: Migration): Promise<void> {
  await tx.query(migration.sql)
  await tx.query(
    `INSERT INTO basalt._prisma_migrations (id, migration_name, checksum, finished_at, applied_steps_count)
     VALUES ($1, $2, $3, now(), 1)`,
    [randomUUID(), migration.name, migration.checksum],
  )
}

/** Replacing a function invalidates plans on every node, so it is done only when its text has changed. */
async function applyDefinition(tx: pg.ClientBase, { name, sql }: DefinitionScript): Promise<void> {
  const checksum = sha256(sql)
  const { rows } = await tx.query(`SELECT FROM basalt.definition_scripts WHERE name = $1 AND checksum = $2`, [
    name,
    checksum,
  ])
  if (rows.length > 0) return
  await tx.query(sql)
  await tx.query(
    `INSERT INTO basalt.definition_scripts (name, checksum)
     VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum`,
    [name, checksum],
  )
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

// As Prisma makes it itself.
const migrationsTable = `
  CREATE TABLE IF NOT EXISTS basalt._prisma_migrations (
    id varchar(36) PRIMARY KEY,
    checksum varchar(64) NOT NULL,
    finished_at timestamptz,
    migration_name varchar(255) NOT NULL,
    logs text,
    rolled_back_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(),
    applied_steps_count integer NOT NULL DEFAULT 0
  )`
