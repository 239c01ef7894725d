import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type CliFolder, launcher } from './cli-folder.ts'

/** `basalt dev` that runs. */
export interface Dev {
  /** All that it has printed; waits until it has printed this, after what was waited for before. */
  until(text: string | RegExp): Promise<string>
  stop(): Promise<number | null>
}

export function startDev({ path, env }: CliFolder, ...options: string[]): Dev {
  const child = spawn(process.execPath, [launcher, 'dev', ...options], { cwd: path, env })
  let output = ''
  let seen = 0
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  child.stderr.on('data', (chunk) => (output += String(chunk)))
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  return {
    async until(text) {
      await expect.poll(() => output.slice(seen), { timeout: 30_000 }).toMatch(text)
      const found = output.slice(seen)
      seen = output.length
      return found
    },
    stop() {
      child.kill('SIGTERM')
      return closed
    },
  }
}

/** The tests in the folder, as its author's `npm test` runs them; all must pass. Resolves to what they print. */
export async function runFolderTests({ path, env }: CliFolder): Promise<string> {
  const vitest = join(path, 'node_modules/vitest/vitest.mjs')
  const child = spawn(process.execPath, [vitest, 'run'], { cwd: path, env: { ...env, NO_COLOR: '1' } })
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  child.stderr.on('data', (chunk) => (output += String(chunk)))
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code, output).toBe(0)
  return output
}
