import { spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type CliFolder, launcher, makeFolder } from './cli-folder.ts'

let server: TestServer
let folder: CliFolder

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

beforeEach(async (context) => {
  folder = await makeFolder()
  context.onTestFinished(() => folder.remove())
})

function login(password: string) {
  return folder.runWith({ input: `${password}\n` }, 'login', server.url, '--email', 'ada@example.com')
}

test('an operator signs in, links a folder to a project, and signs out', async () => {
  const project = await server.createProject('Shop')
  expect((await login('correct horse battery')).code).toBe(0)
  const file = join(folder.home, '.config/basalt/credentials.json')
  expect((await stat(file)).mode & 0o777).toBe(0o600)

  expect((await folder.run('whoami', server.url)).stdout).toBe(`ada@example.com at ${server.url}\n`)
  await folder.run('init')
  const linked = await folder.run('link', project.ref, '--env', 'staging', '--url', server.url)
  expect(linked.stdout).toBe(`staging is now Shop (${project.ref}) at ${server.url}.\n`)
  const { environments } = JSON.parse(await folder.read('basalt.json'))
  expect(environments.staging).toEqual({ url: server.url, project: project.ref })
  expect(environments.dev).toBeDefined()
  expect((await folder.run('deploy', '--check', '--env', 'staging')).stdout).toContain('+ collection notes')

  const token = JSON.parse(await folder.read('../home/.config/basalt/credentials.json'))[server.url].token
  expect((await folder.run('logout', server.url)).stdout).toBe(`Signed out at ${server.url}.\n`)
  expect((await server.call('GET', '/v1/operators/me', { as: token })).status).toBe(401)
  expect((await folder.run('whoami', server.url)).code).toBe(1)
})

test('a wrong password leaves nothing behind', async () => {
  const { code, stderr } = await login('wrong')
  expect(code).toBe(1)
  expect(stderr).toContain('The e-mail or the password is wrong.')
  await expect(folder.read('../home/.config/basalt/credentials.json')).rejects.toThrow('ENOENT')
})

test('a folder is linked to a new project', async () => {
  await login('correct horse battery')
  await folder.run('init')
  const { code, stderr } = await folder.run(
    'link',
    '--env',
    'production',
    '--url',
    server.url,
    '--create',
    'My shop',
  )
  expect(code).toBe(0)
  expect(stderr).toMatch(/publishable key {2}pk_[\w-]+\nsecret key {7}sk_/)
  expect(await folder.read('basalt.json')).not.toMatch(/[ps]k_/)
})

test('a token that the server does not know is told, and not shown', async () => {
  await folder.run('init')
  const project = await server.createProject()
  await folder.write(
    'basalt.json',
    JSON.stringify({ environments: { dev: { url: server.url, project: project.ref } } }),
  )
  const { code, stderr } = await folder.runWith({ env: { BASALT_TOKEN: 'op_nonsense' } }, 'deploy', '--check')
  expect(code).toBe(1)
  expect(stderr).toContain(`${server.url} does not take this token`)
  expect(stderr).not.toContain('op_nonsense')
})

test('a secret key needs the right to change settings, and is told so', async () => {
  await folder.run('init')
  const project = await server.createProject()
  await folder.write(
    'basalt.json',
    JSON.stringify({ environments: { dev: { url: server.url, project: project.ref } } }),
  )
  const { body } = await server.call('POST', `/v1/projects/${project.ref}/keys`, {
    as: server.operator,
    body: { name: 'CI', kind: 'secret', scopes: ['settings:read', 'functions:read', 'functions:write'] },
  })
  const env = { BASALT_TOKEN: body.key }
  expect((await folder.runWith({ env }, 'whoami')).stdout).toBe(
    `a secret key of ${project.ref} at ${server.url}\n`,
  )
  const { code, stderr } = await folder.runWith({ env }, 'deploy', '--yes')
  expect(code).toBe(1)
  expect(stderr).toContain('settings:write')
})

test('a server that is not there is told with what to do', async () => {
  await folder.run('init')
  const url = `http://127.0.0.1:${await freePort()}`
  await folder.write(
    'basalt.json',
    JSON.stringify({ environments: { dev: { url, project: 'shopshopshop' } } }),
  )
  const { code, stderr } = await folder.runWith({ env: { BASALT_TOKEN: 'op_1' } }, 'deploy', '--check')
  expect(code).toBe(1)
  expect(stderr).toBe(
    `Nothing answers at ${url} (ECONNREFUSED). Is the server running? \`basalt dev\` starts one for this folder.\n`,
  )
})

test('a faulty basalt.json is told with the place', async () => {
  await folder.write('basalt.json', JSON.stringify({ environments: { dev: { url: 'shop.example.com' } } }))
  const { code, stderr } = await folder.run('deploy', '--check')
  expect(code).toBe(1)
  expect(stderr).toContain('basalt.json: environments.dev.url must be an address')
})

test.skipIf(process.platform !== 'linux')(
  'on a terminal it asks, and shows nothing of the password',
  async () => {
    const command = `'${process.execPath}' '${launcher}' login '${server.url}'`
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...folder.env, TERM: 'xterm' },
    })
    let shown = ''
    terminal.stdout.on('data', (chunk) => (shown += String(chunk)))
    const closed = new Promise((resolve) => terminal.once('close', resolve))
    await expect.poll(() => shown).toContain('E-mail for')
    terminal.stdin.write('ada@example.com\r')
    await expect.poll(() => shown).toContain('Password: ')
    terminal.stdin.write('correct horse battery\r')
    await expect.poll(() => shown).toContain('Signed in at')
    terminal.stdin.end()
    await closed
    expect(shown).toContain('ada@example.com')
    expect(shown).not.toContain('horse')
  },
)
