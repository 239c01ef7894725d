import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder of PostgreSQL's socket: the fifth line of `postmaster.pid`. */
export async function findSockets(dataDir: string): Promise<string> {
  const lines = await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')
  const folder = lines.split('\n')[4]
  if (folder === undefined) throw new Error('PostgreSQL does not say where its socket is.')
  return folder
}
