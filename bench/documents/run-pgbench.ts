import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)
const user = 'basalt'
const database = 'pgbench'

export function hasPgbench(): boolean {
  return spawnSync('pgbench', ['--version']).status === 0
}

/** Makes a database with pgbench's tables on the server's own PostgreSQL; a scale of 1 is 100,000 rows. */
export async function preparePgbench(sockets: string, scale: number): Promise<void> {
  const client = new pg.Client({ host: sockets, user, database: user })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${database}`)
  } finally {
    await client.end()
  }
  await run('pgbench', ['-h', sockets, '-U', user, '-i', '-q', '-s', String(scale), database])
}

interface PgbenchResult {
  rate: number
  p50: number
  p99: number
  failed: number
  failure: null
  generatorBusy: number
}

/** The rate of small durable transactions without any server above; its latency is an average only. */
export async function runPgbench(sockets: string, clients: number, seconds: number): Promise<PgbenchResult> {
  const load = ['-N', '-n', '-M', 'prepared', '-c', String(clients), '-j', '2', '-T', String(seconds)]
  const { stdout } = await run('pgbench', ['-h', sockets, '-U', user, ...load, database])
  const rate = Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1])
  const latency = Number(/^latency average = ([\d.]+) ms/m.exec(stdout)?.[1])
  if (Number.isNaN(rate)) throw new Error(`pgbench said:\n${stdout}`)
  return { rate, p50: latency, p99: Number.NaN, failed: 0, failure: null, generatorBusy: 0 }
}
