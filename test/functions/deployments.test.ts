import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readUsage } from '../../src/functions/runtime/process-usage.ts'
import { descendants } from '../faults/descendants.ts'
import { createTestDatabase } from '../support/database.ts'
import { callFunction, deploy, tryDeploy } from '../support/deploy.ts'
import { startOn, type TestProject, type TestServer } from '../support/server.ts'

let database: Awaited<ReturnType<typeof createTestDatabase>>
let server: TestServer
let second: TestServer
let project: TestProject

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startOn(database.url)
  second = await startOn(database.url)
  project = await server.createProject()
})

afterAll(async () => {
  await Promise.all([server.stop(), second.stop()])
  await database.drop()
})

const version = (n: number) => ({ version: `export default callable({ handler: () => (${n}) as never })` })

test('a version is switched on and back on every node', async () => {
  const first = await deploy(project, version(1))
  expect((await callFunction(project, 'version')).body.output).toBe(1)
  await deploy(project, version(2))
  expect((await callFunction(project, 'version')).body.output).toBe(2)
  const path = `/v1/projects/${project.ref}/functions/version`
  const onSecond = async () => (await second.call('POST', path, { as: project.secret, body: {} })).body.output
  await expect.poll(onSecond).toBe(2)
  const back = await project.call('POST', `/functions/deployments/${first.body.id}/activate`, { body: {} })
  expect(back.status).toBe(200)
  expect((await callFunction(project, 'version')).body.output).toBe(1)
  await expect.poll(onSecond).toBe(1)
})

test(
  'calls under way finish in their version, and none fails or gets a wrong one, through a hundred redeploys; what they used is given back',
  { timeout: 240_000 },
  async () => {
    let isDone = false
    let current = 1000
    let oldest = 1000
    await deploy(project, version(1000))
    const faults: unknown[] = []
    let calls = 0
    const caller = async () => {
      while (!isDone) {
        const from = oldest
        const { status, body } = await callFunction(project, 'version')
        calls += 1
        if (status !== 200 || body.output < from || body.output > current)
          faults.push({ status, body, from, current })
      }
    }
    const callers = [caller(), caller()]
    const firstProcess = await processId()
    const before = await usage()
    for (let n = 1001; n <= 1100; n++) {
      current = n
      await deploy(project, version(n))
      oldest = n
    }
    isDone = true
    await Promise.all(callers)
    expect(faults).toEqual([])
    expect(calls).toBeGreaterThan(100)
    // workerd keeps every code that it has loaded.
    expect(await processId()).not.toBe(firstProcess)
    await expect.poll(async () => (await usage()).processes, { timeout: 60_000 }).toBe(before.processes)
    const after = await usage()
    // Some connections come and go; each deployment that kept one would show.
    expect(after.files - before.files).toBeLessThan(50)
    expect(after.folders).toBe(before.folders)
    expect(after.megabytes).toBeLessThan(300)
    const { body } = await project.call('GET', '/functions/deployments')
    expect(body.deployments).toHaveLength(20)
    expect(body.deployments[0].share).toBe(1)
  },
)

/** What the functions of these servers have of the machine. */
async function usage() {
  const pids = await descendants(process.pid, 'workerd')
  const bytes = (readUsage(await processId())?.bytes ?? 0) / 1024 / 1024
  const files = await readdir('/proc/self/fd').catch(() => [])
  const folders = await readdir(join(server.services.config.dataDir, 'fn'), { recursive: true }).catch(
    () => [],
  )
  return {
    processes: pids.length,
    megabytes: bytes,
    files: files.length,
    folders: folders.filter((path) => path.startsWith(`${process.pid}-`) && path.endsWith('host.capnp'))
      .length,
  }
}

async function processId(): Promise<number> {
  const found = await server.app.projects.byRef(project.ref)
  return (await server.app.functions.runtimes.of(found!).process()).process.pid
}

test('a share of the calls goes to the next version', async () => {
  await deploy(project, version(1))
  const next = await tryDeploy(project, version(2), { share: 0.5 })
  expect(next.status).toBe(201)
  const outputs = new Set<number>()
  for (let n = 0; n < 60; n++) outputs.add((await callFunction(project, 'version')).body.output)
  expect(outputs).toEqual(new Set([1, 2]))
  const withdrawn = await project.call('POST', `/functions/deployments/${next.body.id}/activate`, {
    body: { share: 0 },
  })
  expect(withdrawn.status).toBe(200)
  for (let n = 0; n < 20; n++) expect((await callFunction(project, 'version')).body.output).toBe(1)
})

test('modules, JSON, WebAssembly and npm packages come from the upload', async () => {
  // (module (func (export "answer") (result i32) i32.const 42))
  const wasm = 'AGFzbQEAAAABBQFgAAF/AwIBAAcKAQZhbnN3ZXIAAAoGAQQAQSoL'
  const files = {
    'functions/mixed.ts': `
      import { callable } from '@basalt/client/functions'
      import { helper } from '../lib/helper.js'
      import settings from '../settings.json'
      import left from 'left'
      import deep from '@scope/deep/part'
      import module from '../lib/answer.wasm'
      import { createHash } from 'node:crypto'
      export default callable({ handler: () => ({
        helper: helper(), settings, left: left(1), deep,
        wasm: (new WebAssembly.Instance(module).exports as any).answer(),
        hash: createHash('sha256').update('').digest('hex').slice(0, 6),
      }) as never })`,
    'functions/mixed.test.ts': `throw new Error('tests are not deployed')`,
    'lib/helper.ts': `export const helper = (): string => 'helped'`,
    'settings.json': '{"size":3}',
    'lib/answer.wasm': { base64: wasm },
    'node_modules/left/package.json': '{"name":"left","main":"./main.cjs"}',
    'node_modules/left/main.cjs': `module.exports = (n) => n + 1`,
    'node_modules/@scope/deep/package.json': '{"exports":{"./*":{"import":"./lib/*.mjs"}}}',
    'node_modules/@scope/deep/lib/part.mjs': `export default 'deep'`,
  }
  const { status, body } = await project.call('POST', '/functions/deployments', { body: { files } })
  expect({ status, functions: body.functions?.map(({ name }: { name: string }) => name) }).toEqual({
    status: 201,
    functions: ['mixed'],
  })
  expect((await callFunction(project, 'mixed')).body).toEqual({
    output: { helper: 'helped', settings: { size: 3 }, left: 2, deep: 'deep', wasm: 42, hash: 'e3b0c4' },
  })
})

test('the manifest is what the functions say, whatever the upload claims', async () => {
  const { body } = await tryDeploy(
    project,
    { secretive: `export default callable({ access: 'server', handler: () => ({}) })` },
    {
      manifest: { functions: [{ name: 'secretive', kind: 'callable', access: 'public' }] },
    },
  )
  expect(body.functions).toEqual([
    expect.objectContaining({ name: 'secretive', kind: 'callable', access: 'server' }),
  ])
  const { body: list } = await project.call('GET', '/functions')
  expect(list.functions).toHaveLength(1)
})

test.each([
  ['no files', { files: {} }, 400],
  ['a path out of the upload', { files: { '../functions/a.ts': '' } }, 400],
  ['an absolute path', { files: { '/functions/a.ts': '' } }, 400],
  ['a reserved name', { files: { 'functions/deployments.ts': 'export default 1' } }, 400],
  ['a name that is no name', { files: { 'functions/Ä.ts': 'export default 1' } }, 400],
  ['an entry without its file', { files: { 'a.ts': '' }, manifest: { entries: { a: 'b.ts' } } }, 400],
  ['a number for a file', { files: { 'functions/a.ts': 1 } }, 400],
  ['a share above one', { files: { 'functions/a.ts': '' }, share: 2 }, 400],
  ['no function inside', { files: { 'functions/a.ts': 'export default 1' } }, 422],
  ['an unknown scope', { files: { 'functions/a.ts': fake('callable', { scopes: ['everything'] }) } }, 422],
  ['an unknown kind', { files: { 'functions/a.ts': fake('magic', {}) } }, 422],
  [
    'a schema that is none',
    { files: { 'functions/a.ts': fake('callable', { input: { type: 'number!' } }) } },
    422,
  ],
  ['a hook without its collection', { files: { 'functions/a.ts': fake('beforeCreate', {}) } }, 422],
  [
    'two on one route',
    {
      files: {
        'functions/a.ts': fake('http', { route: 'GET /a' }),
        'functions/b.ts': fake('http', { route: 'GET /a' }),
      },
    },
    422,
  ],
] as const)('%s is refused', async (_what, body, status) => {
  const answer = await project.call('POST', '/functions/deployments', { body })
  expect({ status: answer.status, errors: answer.body.errors?.length > 0 }).toEqual({ status, errors: true })
})

function fake(kind: string, settings: object): string {
  return `export default { [Symbol.for('basalt.function')]: true, kind: '${kind}', settings: ${JSON.stringify(settings)}, handler() {} }`
}

test('what was uploaded is kept with its version, and deploys again as it was', async () => {
  const body = {
    files: {
      'functions/answer.ts':
        "import { callable } from '@basalt/client/functions'; import { value } from '#value'; import seven from '../seven.wasm'; export default callable({ handler: () => (value + new WebAssembly.Instance(seven).exports.seven()) as never })",
      'lib/value.ts': 'export const value = 35',
      // (module (func (export "seven") (result i32) i32.const 7))
      'seven.wasm': { base64: 'AGFzbQEAAAABBQFgAAF/AwIBAAcJAQVzZXZlbgAACgYBBABBBws=' },
    },
    manifest: {
      entries: { answer: 'functions/answer.ts' },
      resolutions: { 'functions/answer.ts': { '#value': 'lib/value.ts' } },
    },
  }
  const owner = await server.createProject()
  const made = await owner.call('POST', '/functions/deployments', { body })
  expect(made.status).toBe(201)
  const sources = await owner.call('GET', `/functions/deployments/${made.body.id}/sources`)
  expect(sources.body).toEqual(body)

  const other = await server.createProject()
  const copy = await other.call('POST', '/functions/deployments', { body: sources.body })
  expect(copy.body.functions).toEqual(made.body.functions)
  expect((await callFunction(other, 'answer')).body.output).toBe(42)
  const stolen = await other.call('GET', `/functions/deployments/${made.body.id}/sources`)
  expect(stolen.status).toBe(404)
})

test('a dry run tells what a version would be, and keeps nothing', async () => {
  const owner = await server.createProject()
  const files = {
    'functions/one.ts':
      "import { callable } from '@basalt/client/functions'; export default callable({ handler: () => ({}) })",
  }
  const query = '/functions/deployments?dryRun=true'
  const first = await owner.call('POST', query, { body: { files } })
  expect(first.status).toBe(200)
  expect(first.body.functions).toMatchObject([
    { name: 'one', kind: 'callable', hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ])
  expect((await owner.call('GET', '/functions/deployments')).body.deployments).toEqual([])
  expect((await owner.call('GET', '/functions')).body.functions).toEqual([])

  // What no function consists of is no other function.
  const more = await owner.call('POST', query, { body: { files: { ...files, 'readme.md': 'hello' } } })
  expect(more.body.functions).toEqual(first.body.functions)
  const files2 = { 'functions/one.ts': `${files['functions/one.ts']} // changed` }
  const changed = await owner.call('POST', query, { body: { files: files2 } })
  expect(changed.body.functions[0].hash).not.toBe(first.body.functions[0].hash)
  const broken = await owner.call('POST', query, {
    body: { files: { 'functions/one.ts': 'export default (' } },
  })
  expect(broken.status).toBe(422)
})
