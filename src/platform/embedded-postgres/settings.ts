import { totalmem } from 'node:os'

const MiB = 1024 * 1024

/**
 * `postgresql.conf` for this machine. `fsync` and `synchronous_commit` stay on: what is acknowledged is on disk.
 * Own settings go into `override.conf` beside it, which wins.
 */
export function renderSettings(): string {
  const megabytes = Math.floor(availableMemory() / MiB)
  const settings = {
    max_connections: 100,
    shared_buffers: `${clamp(megabytes / 8, 128, 2048)}MB`,
    effective_cache_size: `${clamp(megabytes / 2, 256, 1024 * 1024)}MB`,
    work_mem: `${clamp(megabytes / 512, 4, 32)}MB`,
    maintenance_work_mem: `${clamp(megabytes / 32, 64, 512)}MB`,
    min_wal_size: '256MB',
    max_wal_size: '2GB',
    wal_compression: 'on',
    checkpoint_timeout: '15min',
    // The data folder lies on a solid-state disk nearly everywhere.
    random_page_cost: 1.1,
    // Compiling a query costs more than our short queries take.
    jit: 'off',
    // Collections are tables: a project that is dropped holds locks on all of its tables at once.
    max_locks_per_transaction: 256,
    autovacuum_naptime: '30s',
    autovacuum_vacuum_scale_factor: 0.1,
    autovacuum_analyze_scale_factor: 0.05,
    timezone: "'UTC'",
    log_timezone: "'UTC'",
    logging_collector: 'on',
    log_directory: "'log'",
    // One file for each day of the week, overwritten a week later.
    log_filename: "'postgresql-%a.log'",
    log_rotation_age: '1d',
    log_rotation_size: 0,
    log_truncate_on_rotation: 'on',
    log_checkpoints: 'off',
    // A statement that fails is the server's to log, without the values that PostgreSQL would add.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  return [
    '# Written at each start, from the size of the machine. Own settings belong into override.conf.',
    ...lines,
    "include_if_exists = 'override.conf'",
    '',
  ].join('\n')
}

/** The memory that this process may use: a container's limit, if there is one. */
function availableMemory(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

function clamp(value: number, min: number, max: number): number {
  return Math.floor(Math.min(max, Math.max(min, value)))
}
