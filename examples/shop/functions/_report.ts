import type { Basalt } from '@basalt/client'
import type { schema } from '../schema.ts'

export interface Report {
  orders: number
  revenue: number
}

const dayMs = 24 * 60 * 60 * 1000

/** Counts what was paid in the last 24 hours, and keeps it: one report a day, however often it is made. */
export async function report(basalt: Basalt<typeof schema>): Promise<Report> {
  const now = Date.now()
  const since = new Date(now - dayMs).toISOString()
  const [sums] = await basalt
    .collection('orders')
    .where({ state: 'paid', createdAt: { $gte: since } })
    .aggregate({ select: { orders: { $count: true }, revenue: { $sum: 'total' } } })
  const counted = sums ?? { orders: 0, revenue: 0 }
  await basalt.collection('reports').replace(new Date(now).toISOString().slice(0, 10), counted)
  return counted
}
