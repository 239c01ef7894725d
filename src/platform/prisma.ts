import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'
import type { Database } from './database.ts'
import { type Prisma, PrismaClient } from './generated/client.ts'
import { statementName } from './prepared-statements.ts'

/** The control plane's client, on the same pool as everything else. */
export type ControlPlane = PrismaClient

/** What a Prisma transaction hands to its work. */
export type ControlPlaneTransaction = Parameters<Parameters<PrismaClient['$transaction']>[0]>[0]

export function openControlPlane(pool: pg.Pool): ControlPlane {
  // Without parameters it may be several statements in one text, which can't be prepared.
  const statementNameGenerator = ({ sql, args }: { sql: string; args: unknown[] }): string =>
    (args.length > 0 && statementName(sql).name) || ''
  return new PrismaClient({ adapter: new PrismaPg(pool, { schema: 'basalt', statementNameGenerator }) })
}

/**
 * For statements of hot paths: straight on the pool, where Prisma's client would take longer than PostgreSQL, or in its
 * transaction where there is one.
 */
export async function runStatement<Row extends pg.QueryResultRow>(
  where: Database | ControlPlaneTransaction,
  statement: Prisma.Sql,
): Promise<Row[]> {
  if ('$queryRaw' in where) return where.$queryRaw<Row[]>(statement)
  const { text, values } = statement
  return (await where.query<Row>({ ...statementName(text), text, values })).rows
}
