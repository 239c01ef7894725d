import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'

export interface MasterKeys {
  current: Buffer
  /** What was made with it is still good, and made no more. */
  previous: Buffer | undefined
}

export async function loadMasterKeys(
  config: Pick<Config, 'masterKey' | 'previousMasterKey' | 'dataDir'>,
): Promise<MasterKeys> {
  const { previousMasterKey: previous } = config
  return {
    current: await loadMasterKey(config),
    previous: previous === undefined ? undefined : Buffer.from(previous, 'base64'),
  }
}

/**
 * The 32 bytes that the secrets in the database are encrypted with: `BASALT_MASTER_KEY`, or the file `master-key`
 * in the data folder, made at the first start. Who loses it loses those secrets, so it belongs into the backup,
 * and who has a backup of the database alone has none of them.
 */
export async function loadMasterKey(config: Pick<Config, 'masterKey' | 'dataDir'>): Promise<Buffer> {
  if (config.masterKey !== undefined) return Buffer.from(config.masterKey, 'base64')
  const path = join(config.dataDir, 'master-key')
  const text = (await readKey(path)) ?? (await makeKey(path, config.dataDir))
  const key = Buffer.from(text, 'base64')
  if (key.length !== 32) {
    throw new Error(`${path} does not hold a key of 32 bytes in base64. Restore it from the backup.`)
  }
  await chmod(path, 0o600)
  return key
}

async function readKey(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
}

/** Whole or not at all, and never twice: of two processes that make one at once, both take the first. */
async function makeKey(path: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(8).toString('hex')}`
  await writeFile(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true })
  try {
    await link(draft, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(draft, { force: true })
  }
  return readFile(path, 'utf8')
}
