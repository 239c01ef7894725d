import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { EmbeddedPostgres } from '../../src/platform/embedded-postgres/start-embedded-postgres.ts'

/** A process of its own that holds an embedded PostgreSQL, so that a test can kill it. */
export interface PostgresProcess {
  readonly child: ChildProcess
  readonly postgres: Pick<EmbeddedPostgres, 'connection' | 'cluster' | 'adopted' | 'runAs'>
  /** Ends as a server ends on SIGTERM. */
  stop(): Promise<void>
  kill(): Promise<void>
}

interface Options {
  avoidNamespace?: boolean
  uid?: number
}

/** Rejects with the message that the process would have shown. */
export async function startPostgresProcess(dataDir: string, options: Options = {}): Promise<PostgresProcess> {
  const script = fileURLToPath(new URL('hold-postgres.ts', import.meta.url))
  const args = [script, dataDir, ...(options.avoidNamespace === true ? ['--avoid-namespace'] : [])]
  const identity = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }
  const child = spawn(process.execPath, args, { ...identity, stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' })
  const exited = once(child, 'exit')
  const message = await firstLine(child)
  if ('error' in message) throw new Error(message.error)
  return {
    child,
    postgres: message,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function firstLine(child: ChildProcess): Promise<PostgresProcess['postgres'] | { error: string }> {
  if (child.stdout === null) throw new Error('no output to read')
  for await (const line of createInterface(child.stdout)) return JSON.parse(line)
  throw new Error('the process ended without a word')
}
