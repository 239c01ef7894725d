import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Round } from '../rounds.ts'

export interface Argon2Job {
  password: string
  passwordHash: string
  warmUpSeconds: number
  seconds: number
}

const script = fileURLToPath(new URL('verify-hashes.ts', import.meta.url))

/** Verifies one hash over and over on every processor, as the server does, in a process that does nothing else. */
export async function runArgon2(job: Argon2Job): Promise<Round> {
  const env = { ...process.env, UV_THREADPOOL_SIZE: String(availableParallelism()) }
  const child = spawn(process.execPath, [script], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(job))
  return JSON.parse(await text(child.stdout))
}
