import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Remembers where PostgreSQL's log ends now; the answer reads what has been written since. */
export async function followLog(cluster: string): Promise<() => Promise<string>> {
  const before = await logSizes(cluster)
  return async () => {
    const after = await logSizes(cluster)
    const parts = [...after].map(([path, size]) => readPart(path, before.get(path) ?? 0, size))
    return (await Promise.all(parts)).join('')
  }
}

async function logSizes(cluster: string): Promise<Map<string, number>> {
  const folder = join(cluster, 'log')
  const names = await readdir(folder).catch(() => [])
  const sizes = names.map(async (name): Promise<[string, number]> => {
    const path = join(folder, name)
    return [path, (await stat(path)).size]
  })
  return new Map(await Promise.all(sizes))
}

async function readPart(path: string, from: number, to: number): Promise<string> {
  const length = Math.min(to - from, 10_000)
  if (length <= 0) return ''
  const file = await open(path, 'r')
  try {
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, to - length)
    return buffer.toString()
  } finally {
    await file.close()
  }
}
