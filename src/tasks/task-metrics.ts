import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What `/metrics` tells of tasks. Labels never hold a project or a name. */
export interface TaskMetrics {
  enqueued: Counter
  running: Gauge
  /** By kind and what became of it: succeeded, retried, dead, cancelled, given_back, lost. */
  ended: Counter<'kind' | 'outcome'>
  seconds: Histogram<'kind'>
  /** From when it was due to its start. */
  lateness: Histogram
  recovered: Counter
  scheduleRuns: Counter
}

export function createTaskMetrics(registry: Registry): TaskMetrics {
  const registers = [registry]
  return {
    enqueued: new Counter({ name: 'basalt_tasks_enqueued_total', help: 'Tasks enqueued.', registers }),
    running: new Gauge({ name: 'basalt_tasks_running', help: 'Tasks that run on this node.', registers }),
    ended: new Counter({
      name: 'basalt_task_attempts_total',
      help: 'Attempts that ended, by kind and outcome.',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    seconds: new Histogram({
      name: 'basalt_task_seconds',
      help: 'How long attempts took.',
      labelNames: ['kind'],
      buckets: [0.001, 0.01, 0.1, 1, 10, 60, 600],
      registers,
    }),
    lateness: new Histogram({
      name: 'basalt_task_lateness_seconds',
      help: 'Time from when a task was due to its start.',
      buckets: [0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5, 60, 600],
      registers,
    }),
    recovered: new Counter({
      name: 'basalt_tasks_recovered_total',
      help: 'Tasks of nodes that died, put back into the queue.',
      registers,
    }),
    scheduleRuns: new Counter({
      name: 'basalt_schedule_runs_total',
      help: 'Tasks enqueued by schedules.',
      registers,
    }),
  }
}
