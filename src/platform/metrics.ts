import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client'

/**
 * What `/metrics` tells. Labels hold route patterns, methods and statuses: never an id, a name or a project,
 * or the number of series would grow with the data.
 */
export interface Metrics {
  registry: Registry
  requestSeconds: Histogram<'method' | 'route' | 'status'>
  committedWrites: Counter
  commits: Counter
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'basalt_request_seconds',
      help: 'Time from the arrival of a request to the end of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers: [registry],
    }),
    committedWrites: new Counter({
      name: 'basalt_committed_writes_total',
      help: 'Documents written.',
      registers: [registry],
    }),
    commits: new Counter({
      name: 'basalt_commits_total',
      help: 'Transactions that carried them; writes that arrive together share one.',
      registers: [registry],
    }),
  }
}
