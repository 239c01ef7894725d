import { chmod, lstat, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadMasterKey } from '../../src/platform/master-key.ts'

let dataDir: string

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'basalt-key-'))
})

afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true })
})

test('the first start makes a key that only the owner can read, and later starts keep it', async () => {
  const made = await loadMasterKey({ dataDir, masterKey: undefined })
  expect(made).toHaveLength(32)
  expect((await lstat(join(dataDir, 'master-key'))).mode & 0o777).toBe(0o600)
  expect(await loadMasterKey({ dataDir, masterKey: undefined })).toEqual(made)
})

test('processes that start at once agree on one key', async () => {
  const keys = await Promise.all(
    Array.from({ length: 5 }, () => loadMasterKey({ dataDir, masterKey: undefined })),
  )
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1)
})

test('a given key is used and none is written', async () => {
  const given = Buffer.alloc(32, 7)
  expect(await loadMasterKey({ dataDir, masterKey: given.toString('base64') })).toEqual(given)
  await expect(readFile(join(dataDir, 'master-key'))).rejects.toThrow('ENOENT')
})

test('a key that others could read is closed again', async () => {
  await loadMasterKey({ dataDir, masterKey: undefined })
  await chmod(join(dataDir, 'master-key'), 0o644)
  await loadMasterKey({ dataDir, masterKey: undefined })
  expect((await lstat(join(dataDir, 'master-key'))).mode & 0o777).toBe(0o600)
})

test('a damaged key stops the start, for a new one would lose every secret', async () => {
  await writeFile(join(dataDir, 'master-key'), 'half a k')
  await expect(loadMasterKey({ dataDir, masterKey: undefined })).rejects.toThrow(
    'does not hold a key of 32 bytes',
  )
})
