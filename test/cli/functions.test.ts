import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { type CliFolder, linkFolder, makeFolder } from './cli-folder.ts'

// Each starts several processes.
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

const add = `import { callable } from '@basalt/client/functions'
import { integer } from '@basalt/client'
import { sum } from '../lib/sum.ts'

export default callable({
  input: { a: integer(), b: integer() },
  output: { sum: integer() },
  access: 'server',
  handler: ({ a, b }) => ({ sum: sum(a, b) }),
})
`
const report = `import { schedule } from '@basalt/client/functions'
export default schedule('0 8 * * 1-5', { timezone: 'Europe/Berlin' }, () => {})
`

async function writeAdd(): Promise<void> {
  await folder.write('functions/add.ts', add)
  await folder.write('lib/sum.ts', 'export const sum = (a: number, b: number): number => a + b\n')
}

async function call(name: string, input: unknown): Promise<unknown> {
  const { status, body } = await project.call('POST', `/functions/${name}`, { body: { input } })
  return status === 200 ? body.output : body
}

async function deploy(): Promise<string> {
  const { code, stdout, stderr } = await folder.run('deploy', '--yes')
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return stdout
}

test('functions are deployed with what they import, and then there is no drift', async () => {
  await writeAdd()
  await folder.write('functions/report.ts', report)
  await folder.write('functions/add.test.ts', 'throw new Error("is never deployed")')
  const checked = await folder.run('deploy', '--check')
  expect(checked.code).toBe(1)
  expect(checked.stdout).toContain(`+ functions
    + function add: callable for server
    + schedule report: 0 8 * * 1-5 (Europe/Berlin)
`)
  expect((await project.call('GET', '/functions')).body.functions).toEqual([])

  expect(await deploy()).toContain('✓ functions\n')
  expect(await call('add', { a: 2, b: 40 })).toEqual({ sum: 42 })
  const { body } = await project.call('GET', '/tasks/schedules')
  expect(body.schedules).toMatchObject([{ name: 'report', cron: '0 8 * * 1-5' }])

  expect(await folder.run('deploy', '--check')).toMatchObject({ code: 0 })
  expect((await project.call('GET', '/functions/deployments')).body.deployments).toHaveLength(1)
})

test('the plan says which functions come, go and change, by what they consist of', async () => {
  await writeAdd()
  await folder.write('functions/report.ts', report)
  await deploy()
  await folder.write('lib/sum.ts', 'export const sum = (a: number, b: number): number => b + a\n')
  await folder.write('functions/report.ts', report.replace('0 8', '30 7'))
  await folder.write(
    'functions/hook.ts',
    `import { afterCreate } from '@basalt/client/functions'\nexport default afterCreate('orders', () => {})\n`,
  )
  const { code, stdout } = await folder.run('deploy', '--check')
  expect(code).toBe(1)
  expect(stdout).toContain(`~ functions
    ~ function add: its code
    + function hook: afterCreate orders
    ~ schedule report
        - 0 8 * * 1-5 (Europe/Berlin)
        + 30 7 * * 1-5 (Europe/Berlin)
`)
  const json = JSON.parse((await folder.run('deploy', '--check', '--json')).stdout)
  expect(json).toMatchObject({ inSync: false, changes: [{ kind: 'functions', sign: '~' }] })
})

test('the plan warns of functions that nothing calls yet', async () => {
  const resize = `import { afterUpload } from '@basalt/client/functions'\nexport default afterUpload('images', () => {})\n`
  await folder.write('functions/resize.ts', resize)
  const { code, stdout } = await folder.run('deploy', '--check')
  expect(code).toBe(1)
  expect(stdout).toContain('! functions/resize.ts: this server has no files yet')
})

test('what was deployed past the folder is drift', async () => {
  await writeAdd()
  await deploy()
  const files = { 'functions/other.ts': add.replace(/import \{ sum.*\n/, '').replace('sum(a, b)', 'a - b') }
  expect((await project.call('POST', '/functions/deployments', { body: { files } })).status).toBe(201)
  const { code, stdout } = await folder.run('deploy', '--check')
  expect(code).toBe(1)
  expect(stdout).toContain(
    '~ functions\n    + function add: callable for server\n    - function other: callable for server\n',
  )
})

test('a project without a functions folder is left alone; one whose functions are gone has none', async () => {
  await writeAdd()
  await deploy()
  await rm(join(folder.path, 'functions/add.ts'))
  const deployed = await deploy()
  expect(deployed).toContain('- functions\n    - function add: callable for server\n')
  expect(await call('add', { a: 1, b: 1 })).toMatchObject({ code: 'not_found' })
  expect(await folder.run('deploy', '--check')).toMatchObject({ code: 0 })

  await writeAdd()
  await deploy()
  await rm(join(folder.path, 'functions'), { recursive: true })
  expect(await folder.run('deploy', '--check')).toMatchObject({ code: 0 })
  expect(await call('add', { a: 1, b: 1 })).toEqual({ sum: 2 })
})

test('packages take part as they lie on this machine, linked ones and WebAssembly too', async () => {
  const modules = join(folder.path, 'node_modules')
  const manifest = (name: string, more: object) => JSON.stringify({ name, version: '1.0.0', ...more })
  // A package of CommonJS with a dependency of its own, one with conditions, and one that a workspace links.
  await folder.write('node_modules/old/package.json', manifest('old', { main: 'lib/main.js' }))
  await folder.write('node_modules/old/lib/main.js', "exports.twice = (n) => require('inner')(n, 2)")
  await folder.write('node_modules/old/node_modules/inner/index.js', 'module.exports = (a, b) => a * b')
  await folder.write(
    'node_modules/inner/index.js',
    'module.exports = () => { throw new Error("the wrong one") }',
  )
  const exported = { './deep': { workerd: './worker.js', default: './node.js' } }
  await folder.write(
    'node_modules/@scope/new/package.json',
    manifest('@scope/new', { type: 'module', exports: exported }),
  )
  await folder.write('node_modules/@scope/new/worker.js', "export const where = 'worker'")
  await folder.write('node_modules/@scope/new/node.js', "export const where = 'node'")
  await folder.write('../linked/package.json', manifest('linked', { exports: './src/main.ts' }))
  await folder.write(
    '../linked/src/main.ts',
    "import { tail } from './tail'\nexport const name = (): string => `linked ${tail}`\n",
  )
  await folder.write('../linked/src/tail.ts', "export const tail = 'too'\n")
  await mkdir(modules, { recursive: true })
  await symlink(join(folder.path, '../linked'), join(modules, 'linked'))
  // (module (func (export "seven") (result i32) i32.const 7))
  const wasm = 'AGFzbQEAAAABBQFgAAF/AwIBAAcJAQVzZXZlbgAACgYBBABBBws='
  await folder.write(
    'functions/all.ts',
    `import { Buffer } from 'node:buffer'
import { callable } from '@basalt/client/functions'
import { where } from '@scope/new/deep'
import { name } from 'linked'
import { twice } from 'old'
import seven from '../seven.wasm'
import text from './greeting.txt'
const { exports } = new WebAssembly.Instance(seven)
export default callable({
  access: 'server',
  handler: () => ({ where, name: name(), six: twice(3), seven: exports.seven(), text, hex: Buffer.from('a').toString('hex') }),
})
`,
  )
  await folder.write('functions/greeting.txt', 'hello')
  await writeFile(join(folder.path, 'seven.wasm'), Buffer.from(wasm, 'base64'))
  await deploy()
  expect(await call('all', {})).toEqual({
    where: 'worker',
    name: 'linked too',
    six: 6,
    seven: 7,
    text: 'hello',
    hex: '61',
  })
  expect(await folder.run('deploy', '--check')).toMatchObject({ code: 0 })
})

describe('what does not bundle or load is told with its place, and what runs goes on', () => {
  async function expectFault(file: string, text: string, line: string | RegExp): Promise<void> {
    await writeAdd()
    await deploy()
    await folder.write(file, text)
    for (const args of [['--yes'], ['--check']]) {
      const { code, stderr } = await folder.run('deploy', ...args)
      expect(stderr).toMatch(line)
      expect(stderr).toContain('One fault; nothing was changed.')
      expect(code).toBe(1)
    }
    expect(await call('add', { a: 1, b: 2 })).toEqual({ sum: 3 })
    expect((await project.call('GET', '/functions/deployments')).body.deployments).toHaveLength(1)
  }

  test('a mistake of writing', () =>
    expectFault(
      'functions/bad.ts',
      'export default (\n  const\n',
      /^functions\/bad\.ts:2:3 Unexpected "const"\n/,
    ))

  test('an import that is not there', () =>
    expectFault(
      'lib/sum.ts',
      "import { plus } from 'no-such-package'\nexport const sum = plus\n",
      /^lib\/sum\.ts:1:22 Could not resolve "no-such-package"/,
    ))

  test('a module that throws', () =>
    expectFault(
      'lib/sum.ts',
      "export const sum = (a: number, b: number): number => a + b\n\nif (sum(1, 1) === 2) throw new Error('not today')\n",
      /^lib\/sum\.ts:3:28 not today\n/,
    ))

  test('a file that is no function', () =>
    expectFault('functions/helper.ts', 'export const a = 1\n', /^functions\/helper\.ts .+\n/))

  test('a name that can not be', () =>
    expectFault('functions/Big.ts', add, /^functions\/Big\.ts .*can't be named Big/))
})

describe('pull', () => {
  const greet = `// says hello
import { callable } from '@basalt/client/functions'
import { polite } from './_words.ts'
export default callable({ access: 'server', handler: () => ({ said: polite }) })
`

  test('an empty folder gets the functions as they were deployed, and then there is no drift', async () => {
    await writeAdd()
    await folder.write('functions/greet.ts', greet)
    await folder.write('functions/_words.ts', "export const polite = 'Good morning'\n")
    await folder.write('functions/report.ts', report)
    await deploy()
    for (const path of ['functions', 'lib']) await rm(join(folder.path, path), { recursive: true })

    const pulled = await folder.run('pull', '--yes')
    expect(pulled).toMatchObject({ code: 0, stderr: '' })
    expect(pulled.stdout).toContain('wrote functions/greet.ts\n')
    expect(await folder.read('functions/greet.ts')).toBe(greet)
    expect(await folder.read('lib/sum.ts')).toContain('a + b')
    expect(await folder.run('deploy', '--check')).toMatchObject({ code: 0 })
    expect((await folder.run('pull')).stdout).toContain('Nothing to do')
  })

  test('what changed at the project is written, and functions that it does not have go', async () => {
    await writeAdd()
    await deploy()
    await folder.run('pull', '--yes')
    await folder.write('functions/mine.ts', report)
    await folder.write('functions/notes.txt', 'stays')
    const sources = {
      'functions/add.ts': add.replace('sum(a, b)', 'sum(a, b) + 1'),
      'lib/sum.ts': await folder.read('lib/sum.ts'),
    }
    expect((await project.call('POST', '/functions/deployments', { body: { files: sources } })).status).toBe(
      201,
    )

    const asked = await folder.run('pull')
    expect(asked.code).toBe(1)
    expect(asked.stderr).toContain('Rewrite functions/add.ts? Remove functions/mine.ts?')
    const pulled = await folder.run('pull', '--yes')
    expect(pulled).toMatchObject({
      code: 0,
      stderr: '',
      stdout: 'wrote functions/add.ts\nremoved functions/mine.ts\n',
    })
    expect(await folder.read('functions/add.ts')).toContain('sum(a, b) + 1')
    expect(await folder.read('functions/notes.txt')).toBe('stays')
    expect(await folder.run('deploy', '--check')).toMatchObject({ code: 0 })
  })

  test('a faulty folder is mended; what a package lacks is said', async () => {
    await folder.write('node_modules/left/index.js', 'export const pad = (s) => ` ${s}`')
    await folder.write(
      'functions/pad.ts',
      `import { callable } from '@basalt/client/functions'
import { pad } from 'left'
export default callable({ access: 'server', handler: () => ({ text: pad('a') }) })
`,
    )
    await deploy()
    await folder.write('functions/pad.ts', 'export default (')
    expect((await folder.run('pull', '--yes')).code).toBe(0)
    expect(await folder.run('deploy', '--check')).toMatchObject({ code: 0 })

    await rm(join(folder.path, 'node_modules/left'), { recursive: true })
    await rm(join(folder.path, 'functions'), { recursive: true })
    const { code, stderr } = await folder.run('pull', '--yes')
    expect(code).toBe(0)
    expect(stderr).toContain('functions/pad.ts:2:21 Could not resolve "left"')
    expect(stderr).toContain('deployed with these packages: left.')
  })

  test('nothing is written outside of the folder, into packages, over the configuration or hidden', async () => {
    const files = {
      'functions/add.ts': add
        .replace('../lib/sum.ts', '../basalt.json')
        .replace('{ sum }', 'json')
        .replace('sum(a, b)', 'a + b'),
      'basalt.json': '{}',
      '.git/hooks/pre-commit': 'echo',
      'lib/.env': 'A=1',
      'node_modules/x/index.js': '',
      'schema.ts': 'export const schema = 1',
      'C:/x.ts': '',
    }
    expect((await project.call('POST', '/functions/deployments', { body: { files } })).status).toBe(201)
    const before = await folder.read('basalt.json')
    const { stdout, stderr } = await folder.run('pull', '--yes')
    expect(stdout).toContain('wrote functions/add.ts\n')
    expect(stderr).toContain('.git/hooks/pre-commit')
    expect(await folder.read('basalt.json')).toBe(before)
    expect(await folder.read('schema.ts')).toContain('defineSchema')
    for (const path of ['.git', 'lib', 'node_modules/x', 'C:']) {
      await expect(folder.read(path)).rejects.toMatchObject({ code: 'ENOENT' })
    }
  })
})
