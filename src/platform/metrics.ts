import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client'

/**
 * What `/metrics` tells. Labels hold route patterns, methods and statuses: never an id, a name or a project,
 * or the number of series would grow with the data.
 */
export interface Metrics {
  registry: Registry
  /** @param route its pattern, never the address */
  observeRequest(method: string, route: string, status: number, seconds: number): void
  committedWrites: Counter
  commits: Counter
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requestSeconds = new Histogram({
    name: 'basalt_request_seconds',
    help: 'Time from the arrival of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [registry],
  })
  // Finding a series by its labels costs more than counting in it.
  const series = new Map<string, Histogram.Internal<'method' | 'route' | 'status'>>()
  return {
    registry,
    observeRequest(method, route, status, seconds) {
      const key = `${method} ${status} ${route}`
      let found = series.get(key)
      if (found === undefined) {
        found = requestSeconds.labels({ method, route, status: String(status) })
        series.set(key, found)
      }
      found.observe(seconds)
    },
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
