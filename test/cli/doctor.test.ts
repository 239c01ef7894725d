import { chmod, mkdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { createTestDatabase } from '../support/database.ts'
import { type CliFolder, makeFolder } from './cli-folder.ts'

let folder: CliFolder

beforeAll(async () => {
  folder = await makeFolder()
  folder.env['BASALT_PORT'] = String(await freePort())
})
afterAll(() => folder.remove())

test('on a machine that is fit, nothing is in the way', async () => {
  const { code, stdout, stderr } = await folder.run('doctor')
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^✓ runtime +Node 26/)
  expect(stdout).toMatch(/✓ PostgreSQL +embedded, 18/)
  expect(stdout).toMatch(/[✓!] protection +/)
  expect(stdout).toContain('Nothing is in the way.')
})

test('what stands around functions is tried out and told', async () => {
  const env = { BASALT_FUNCTION_PROTECTION: 'none' }
  const { code, stdout } = await folder.runWith({ env }, 'doctor')
  expect(code).toBe(0)
  expect(stdout).toMatch(/! protection +functions are held by workerd alone \(none\)\n +\w+/)
})

test('what is in the way is told with what to do', async () => {
  await mkdir(join(folder.path, 'open'))
  await chmod(join(folder.path, 'open'), 0o777)
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as AddressInfo
  const env = { BASALT_PORT: String(port), BASALT_DATA_DIR: 'open' }
  const { code, stdout } = await folder.runWith({ env }, 'doctor')
  other.close()
  expect(code).toBe(1)
  expect(stdout).toMatch(/! data folder +.* is open to every account of this machine\n +chmod 700 /)
  expect(stdout).toMatch(
    /✗ port +\d+ of 127\.0\.0\.1 is taken by another program\n +Stop it, or choose another port with BASALT_PORT\./,
  )
  expect(stdout).toContain('One thing is in the way.')
})

test('a PostgreSQL of one’s own is asked whether it fits, and its password is not shown', async () => {
  const database = await createTestDatabase()
  const fits = await folder.runWith({ env: { DATABASE_URL: database.url } }, 'doctor', '--json')
  await database.drop()
  expect(fits.code).toBe(0)
  expect(JSON.parse(fits.stdout).checks).toContainEqual({
    name: 'its clock',
    status: 'ok',
    detail: 'the same as here',
  })

  const url = `postgres://ada:s3cret@127.0.0.1:${await freePort()}/none`
  const { code, stdout } = await folder.runWith({ env: { DATABASE_URL: url } }, 'doctor')
  expect(code).toBe(1)
  expect(stdout).toMatch(/✗ PostgreSQL +.*ECONNREFUSED.*\n +Look at DATABASE_URL/)
  expect(stdout).not.toContain('s3cret')
})

test('a mistyped variable is a fault; those of the command line are not', async () => {
  const env = { BASALT_TOKEN: 'op_1', BASALT_PROT: '1' }
  const { code, stdout } = await folder.runWith({ env }, 'doctor')
  expect(code).toBe(1)
  expect(stdout).toContain('BASALT_PROT')
  expect(stdout).not.toContain('BASALT_TOKEN')
})
