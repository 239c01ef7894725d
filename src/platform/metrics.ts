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

type Series = Histogram.Internal<'method' | 'route' | 'status'>

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
  // Finding a series by its labels, or by a text made of them, costs more than counting in it.
  const known = new Map<string, Map<string, Map<number, Series>>>()
  function seriesOf(method: string, route: string, status: number): Series {
    const found = known.get(route)?.get(method)?.get(status)
    if (found !== undefined) return found
    const series = requestSeconds.labels({ method, route, status: String(status) })
    const byMethod = known.get(route) ?? new Map<string, Map<number, Series>>()
    const byStatus = byMethod.get(method) ?? new Map<number, Series>()
    known.set(route, byMethod.set(method, byStatus.set(status, series)))
    return series
  }
  return {
    registry,
    observeRequest(method, route, status, seconds) {
      seriesOf(method, route, status).observe(seconds)
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
