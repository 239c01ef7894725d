import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'
import { PrismaClient } from './generated/client.ts'

/** The control plane's client, on the same pool as everything else. */
export type ControlPlane = PrismaClient

/** What a Prisma transaction hands to its work. */
export type ControlPlaneTransaction = Parameters<Parameters<PrismaClient['$transaction']>[0]>[0]

export function openControlPlane(pool: pg.Pool): ControlPlane {
  return new PrismaClient({ adapter: new PrismaPg(pool, { schema: 'basalt' }) })
}
