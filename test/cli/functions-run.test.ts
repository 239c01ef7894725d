import { spawn } from 'node:child_process'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { type CliFolder, launcher, linkFolder, makeFolder } from './cli-folder.ts'

// Some start twenty processes.
vi.setConfig({ testTimeout: 120_000 })

let server: TestServer
let project: TestProject
let folder: CliFolder

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

beforeEach(async (context) => {
  project = await server.createProject()
  folder = await makeFolder()
  context.onTestFinished(() => folder.remove())
  await linkFolder(folder, server, project)
})

const divide = `import { callable, reject } from '@basalt/client/functions'
import { integer, number } from '@basalt/client'

export default callable({
  input: { a: integer(), b: integer() },
  output: { result: number() },
  handler({ a, b }, { log, auth }) {
    log.info('divide', { a, b, by: auth?.uid ?? 'a server' })
    if (b === 0) reject('Nobody divides by nothing')
    if (b === 13) throw new Error('unlucky')
    return { result: a / b }
  },
})
`
const other = `import { schedule } from '@basalt/client/functions'
export default schedule('0 8 * * *', {}, () => {})
`

async function deployDivide(): Promise<void> {
  await folder.write('functions/divide.ts', divide)
  await folder.write('functions/morning.ts', other)
  expect(await folder.run('deploy', '--yes')).toMatchObject({ code: 0, stderr: '' })
}

const invoke = (...args: string[]) => folder.run('functions', 'invoke', 'divide', ...args)

test('a function is called, its faults are told with their codes, and its lines are read', async () => {
  await deployDivide()
  const called = await invoke('--input', '{"a":9,"b":3}')
  expect(called).toEqual({ code: 0, stdout: '{\n  "result": 3\n}\n', stderr: '' })
  const piped = await folder.runWith({ input: '{"a":8,"b":2}' }, 'functions', 'invoke', 'divide', '-i', '-')
  expect(JSON.parse(piped.stdout)).toEqual({ result: 4 })

  expect(await invoke('-i', '{"a":1,"b":0}')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'rejected: Nobody divides by nothing\n',
  })
  const failed = await invoke('-i', '{"a":1,"b":13}')
  expect(failed).toMatchObject({ code: 1, stdout: '' })
  expect(failed.stderr).toMatch(/^function_failed: divide: unlucky\nIts stack: /)
  const wrong = await invoke('-i', '{"a":1,"b":"x"}')
  expect(wrong.code).toBe(1)
  expect(wrong.stderr).toMatch(/^invalid_request: .+\n {2}input\.b: /)
  const json = await invoke('-i', '{"a":1,"b":0}', '--json')
  expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'rejected' } })
  expect((await invoke('-i', '{a:1}')).code).toBe(2)
  expect((await folder.run('functions', 'invoke')).code).toBe(2)
  expect((await folder.run('functions', 'invoke', 'morning')).stderr).toMatch(/^not_found: /)

  const logs = await folder.run('functions', 'logs', 'divide')
  expect(logs).toMatchObject({ code: 0, stderr: '' })
  expect(logs.stdout).toMatch(/^\d\d:\d\d:\d\d divide info {2}divide \{"a":9,"b":3,"by":"a server"\}\n/)
  const errors = await folder.run('functions', 'logs', '--level', 'error', '--since', '5m')
  expect(errors.stdout).toMatch(
    /^\d\d:\d\d:\d\d divide error divide: unlucky\n {4}at .*functions\/divide\.ts:10:25\)?\n/,
  )
  expect(errors.stdout.match(/divide error/g)).toHaveLength(1)
  const found = await folder.run('functions', 'logs', 'divide', '--search', 'UNLUCKY', '--json')
  expect(JSON.parse(found.stdout)).toMatchObject({
    level: 'error',
    function: 'divide',
    message: 'divide: unlucky',
  })
  expect((await folder.run('functions', 'logs', '--limit', '1')).stdout).toMatch(
    /^\S+ divide .*\n( {4}at .*\n)*$/,
  )
  expect((await folder.run('functions', 'logs', '--level', 'loud')).code).toBe(2)
  expect((await folder.run('functions', 'logs', '--since', 'noon')).code).toBe(2)

  const list = await folder.run('functions', 'list')
  expect(list).toMatchObject({ code: 0, stderr: '' })
  expect(list.stdout).toMatch(/^version [0-9a-f-]+\nfunction +what +calls +errors +average\n/)
  expect(list.stdout).toMatch(/\ndivide +callable for user +5 +1 +[\d.]+ ms\n/)
  expect(list.stdout).toMatch(/\nmorning +0 8 \* \* \* +0 +0\n/)
})

test('a user is acted for, and their session ends with the call', async () => {
  await deployDivide()
  const user = await project.call('POST', '/users', { body: { email: 'ada@example.com' } })
  expect(user.status).toBe(201)
  expect((await invoke('-i', '{"a":4,"b":2}', '--as', user.body.id)).code).toBe(0)
  const { stdout } = await folder.run('functions', 'logs', 'divide', '--json', '--level', 'info')
  expect(JSON.parse(stdout)).toMatchObject({ fields: { by: user.body.id } })
  const sessions = await project.call('GET', `/users/${user.body.id}/sessions`)
  expect(sessions.status).toBe(200)
  expect(sessions.body.sessions).toEqual([])
  expect((await invoke('-i', '{"a":4,"b":2}', '--as', 'nobody')).stderr).toMatch(/^not_found: /)
})

test('lines are followed as they come', async () => {
  await deployDivide()
  await invoke('-i', '{"a":1,"b":1}')
  const child = spawn(process.execPath, [launcher, 'functions', 'logs', '-f', '--json'], {
    cwd: folder.path,
    env: folder.env,
  })
  try {
    let output = ''
    child.stdout.on('data', (chunk) => (output += String(chunk)))
    await expect.poll(() => output).toContain('"a":1')
    expect(
      (await project.call('POST', '/functions/divide', { body: { input: { a: 22, b: 2 } } })).status,
    ).toBe(200)
    await expect.poll(() => output).toContain('"a":22')
    expect(output.trim().split('\n')).toHaveLength(2)
  } finally {
    child.kill('SIGTERM')
  }
})

test('one goes back to the version before, or to a named one', async () => {
  await deployDivide()
  await folder.write('functions/divide.ts', divide.replace('a / b', 'b / a'))
  expect((await folder.run('deploy', '--yes')).code).toBe(0)
  const result = async () => JSON.parse((await invoke('-i', '{"a":4,"b":2}')).stdout).result
  expect(await result()).toBe(0.5)

  const { stdout } = await folder.run('functions', 'versions', '--json')
  const [newest, oldest] = JSON.parse(stdout).versions
  expect([newest.share, oldest.share]).toEqual([1, 0])
  expect((await folder.run('functions', 'versions')).stdout).toContain(`${newest.id}  `)

  const asked = await folder.run('functions', 'rollback')
  expect(asked.code).toBe(1)
  expect(asked.stderr).toContain(`Go back to version ${oldest.id}`)
  expect(await result()).toBe(0.5)
  expect(await folder.run('functions', 'rollback', '--yes')).toMatchObject({ code: 0, stderr: '' })
  expect(await result()).toBe(2)
  expect((await folder.run('deploy', '--check')).stdout).toContain('~ function divide: its code')

  expect((await folder.run('functions', 'rollback', '--yes')).stderr).toContain('no version before')
  expect((await folder.run('functions', 'rollback', 'ffff', '--yes')).code).toBe(2)
  expect((await folder.run('functions', 'rollback', newest.id, '--yes')).code).toBe(0)
  expect(await result()).toBe(0.5)
})

test('secrets come by the standard input, are listed by name, and are never told', async () => {
  await folder.write(
    'functions/peek.ts',
    `import { callable } from '@basalt/client/functions'
export default callable({ handler: (_, { env }) => ({ length: (env['PEM_KEY'] ?? '').length }) })
`,
  )
  expect((await folder.run('deploy', '--yes')).code).toBe(0)
  const pem = '-----BEGIN KEY-----\nabc\n-----END KEY-----'
  const set = await folder.runWith({ input: `${pem}\n` }, 'secrets', 'set', 'PEM_KEY')
  expect(set).toEqual({ code: 0, stdout: 'PEM_KEY is set in dev.\n', stderr: '' })
  expect((await folder.run('functions', 'invoke', 'peek')).stdout).toContain(`"length": ${pem.length}`)

  const list = await folder.run('secrets', 'list')
  expect(list.stdout).toMatch(/^secret +set\nPEM_KEY +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n$/)
  for (const args of [['PEM_KEY=abc'], ['pem'], [], ['PEM_KEY', 'abc']]) {
    const refused = await folder.runWith({ input: 'x' }, 'secrets', 'set', ...args)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).not.toContain('=abc')
  }
  expect((await folder.run('secrets', 'set', 'EMPTY')).stderr).toContain('empty')

  expect((await folder.run('secrets', 'unset', 'PEM_KEY')).code).toBe(0)
  expect((await folder.run('functions', 'invoke', 'peek')).stdout).toContain('"length": 0')
  expect((await folder.run('secrets', 'unset', 'PEM_KEY')).stderr).toBe('dev has no secret PEM_KEY.\n')
  expect((await folder.run('secrets', 'list', '--json')).stdout).toBe('{\n  "secrets": []\n}\n')
})

test('what a function writes can not steer the terminal', async () => {
  await folder.write(
    'functions/paint.ts',
    `import { callable } from '@basalt/client/functions'
export default callable({ handler: (_, { log }) => { log.info('a\\u001b[2Jb\\u0007', { c: '\\u001b[31m' }); return {} } })
`,
  )
  expect((await folder.run('deploy', '--yes')).code).toBe(0)
  expect((await folder.run('functions', 'invoke', 'paint')).code).toBe(0)
  const { stdout } = await folder.run('functions', 'logs')
  expect(stdout).toContain('a\\u001b[2Jb\\u0007 {"c":"\\u001b[31m"}')
})
