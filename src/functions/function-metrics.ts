import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What `/metrics` tells of functions. Labels never hold a project or a name: `GET …/functions/usage` does. */
export interface FunctionMetrics {
  /** By kind and outcome: succeeded, failed. */
  calls: Counter<'kind' | 'outcome'>
  seconds: Histogram<'kind'>
  coldStarts: Counter
  /** By reason: hung, out_of_memory, crashed, stopped. */
  processEnds: Counter<'reason'>
}

/** @param processes how many run on this node */
export function createFunctionMetrics(registry: Registry, processes: () => number): FunctionMetrics {
  const registers = [registry]
  // Asked when somebody reads the metrics.
  void new Gauge({
    name: 'basalt_function_processes',
    help: 'Processes of functions on this node.',
    registers,
    collect() {
      this.set(processes())
    },
  })
  return {
    calls: new Counter({
      name: 'basalt_function_calls_total',
      help: 'Calls of functions, by kind and outcome.',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    seconds: new Histogram({
      name: 'basalt_function_seconds',
      help: 'How long functions took.',
      labelNames: ['kind'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5, 30, 300],
      registers,
    }),
    coldStarts: new Counter({
      name: 'basalt_function_cold_starts_total',
      help: 'Calls that had to load the function first.',
      registers,
    }),
    processEnds: new Counter({
      name: 'basalt_function_process_ends_total',
      help: 'Processes of functions that ended, by reason.',
      labelNames: ['reason'],
      registers,
    }),
  }
}
