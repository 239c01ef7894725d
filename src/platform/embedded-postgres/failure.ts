import { statfs } from 'node:fs/promises'

// A checkpoint needs a segment of the log, 16 MiB, and some room for what it writes.
const leastSpaceBytes = 20 * 1024 * 1024

/** Why the embedded PostgreSQL can't run, in words for whoever starts the server. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError'
}

/** Turns what `initdb` or `postgres` printed before it gave up into one clear error. */
export async function explainFailure(output: string, folder: string): Promise<EmbeddedPostgresError> {
  if (/No space left on device|Disk quota exceeded/i.test(output) || (await isFull(folder))) {
    return new EmbeddedPostgresError(
      `The disk that holds ${folder} is full. PostgreSQL can't run without space; nothing was lost. Free some and start again.`,
    )
  }
  const lines = output
    .split('\n')
    .map((line) => line.replace(/^.*\[\d+\] /, '').trim())
    // What those hear who connect too early is not the reason.
    .filter((line) => line !== '' && !line.includes('the database system is '))
  const fatal = lines.findLastIndex((line) => /^(FATAL|PANIC)|\berror:/.test(line))
  // The line before tells the detail, the line after may hold a hint.
  const reason = fatal === -1 ? lines.slice(-2) : lines.slice(Math.max(0, fatal - 1), fatal + 2)
  return new EmbeddedPostgresError(`PostgreSQL doesn't start in ${folder}: ${reason.join('; ')}`)
}

/** Not every message of PostgreSQL about a failed write names the cause. */
async function isFull(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize < leastSpaceBytes
}
