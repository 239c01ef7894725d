import type pg from 'pg'
import { geoFunctionsSql, queryFunctionsSql } from '../../src/query/functions.sql.ts'
import type { Expression } from '../../src/query/expression.ts'
import type { JsonObject } from '../../src/query/json.ts'
import { SqlParameters } from '../../src/query/sql-context.ts'
import type { CollectionIndexes, SqlContext } from '../../src/query/sql-context.ts'
import { toSql } from '../../src/query/to-sql.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'

/** A document as the API shows it. */
export interface StoredDocument extends JsonObject {
  id: string
  createdAt: string
  updatedAt: string
  version: number
}

/** A database with the query functions and, in the schema `p`, one table for each collection. */
export async function createQueryDatabase(...collections: string[]): Promise<TestDatabase> {
  const database = await createTestDatabase()
  await database.pool.query('CREATE SCHEMA IF NOT EXISTS basalt')
  await database.pool.query(queryFunctionsSql)
  await database.pool.query(geoFunctionsSql)
  await database.pool.query('CREATE SCHEMA p')
  for (const collection of collections) {
    await database.pool.query(`
      CREATE TABLE p.${collection} (
        id text COLLATE "C" PRIMARY KEY,
        data jsonb NOT NULL,
        version bigint NOT NULL,
        created_at text COLLATE "C" NOT NULL,
        updated_at text COLLATE "C" NOT NULL
      )`)
  }
  return database
}

export async function store(pool: pg.Pool, collection: string, documents: StoredDocument[]): Promise<void> {
  await pool.query(`TRUNCATE p.${collection}`)
  const rows = documents.map(({ id, createdAt, updatedAt, version, ...data }) => ({
    id,
    created_at: createdAt,
    updated_at: updatedAt,
    version,
    data,
  }))
  await pool.query(
    `INSERT INTO p.${collection} SELECT * FROM jsonb_populate_recordset(NULL::p.${collection}, $1::jsonb)`,
    [JSON.stringify(rows)],
  )
}

export function contextFor(indexes: CollectionIndexes = { geo: [] }, tables: string[] = []): SqlContext {
  return {
    params: new SqlParameters(),
    alias: 't',
    indexes,
    table: (name) => (tables.includes(name) ? `p.${name}` : undefined),
  }
}

/** The ids of what PostgreSQL finds, sorted. */
export async function idsFromSql(
  pool: pg.Pool,
  collection: string,
  expression: Expression,
  context: SqlContext = contextFor(),
): Promise<string[]> {
  const where = toSql(expression, context)
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM p.${collection} AS t WHERE ${where} ORDER BY id`,
    context.params.values,
  )
  return rows.map(({ id }) => id)
}
