import { cp } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliFolder, makeFolder } from '../cli/cli-folder.ts'
import { type Dev, runFolderTests, startDev } from '../cli/start-dev.ts'
import { freePort } from '../support/free-port.ts'

/** The example `shop`, as its author works on it: `basalt dev` in one terminal, its tests in another. */
let folder: CliFolder
let dev: Dev | undefined

beforeAll(async () => {
  folder = await makeFolder()
  const shop = fileURLToPath(new URL('../../examples/shop', import.meta.url))
  await cp(shop, folder.path, { recursive: true, filter: (path) => !path.includes('.basalt') })
  const environments = { dev: { url: `http://127.0.0.1:${await freePort()}`, project: 'exampleshop1' } }
  await folder.write('basalt.json', JSON.stringify({ environments }))
})

afterAll(async () => {
  await dev?.stop()
  await folder.remove()
})

test('it is deployed, its tests pass, and nothing has drifted', { timeout: 180_000 }, async () => {
  dev = startDev(folder)
  expect(await dev.until('✓ deployed')).toContain('+ function place-order')
  expect(await runFolderTests(folder)).toContain('6 passed')
  expect((await folder.run('deploy', '--check')).code).toBe(0)
})
