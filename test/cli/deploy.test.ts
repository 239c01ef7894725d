import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { type CliFolder, linkFolder, makeFolder } from './cli-folder.ts'

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
  expect((await folder.run('init')).code).toBe(0)
  await linkFolder(folder, server, project)
})

async function replace(file: string, before: string, after: string): Promise<void> {
  const text = await folder.read(file)
  expect(text).toContain(before)
  await folder.write(file, text.replace(before, after))
}

async function collection(name: string): Promise<{ status: number; body: Record<string, unknown> }> {
  return project.call('GET', `/collections/${name}`)
}

test('a new folder deploys, and then there is no drift', async () => {
  const checked = await folder.run('deploy', '--check')
  expect(checked.code).toBe(1)
  expect(checked.stdout).toContain('+ collection notes')
  expect(checked.stdout).toContain('    + rule read: auth.uid == doc.owner')
  expect((await collection('notes')).status).toBe(404)

  const deployed = await folder.run('deploy', '--yes')
  expect(deployed).toMatchObject({ code: 0, stderr: '' })
  expect(deployed.stdout).toContain('✓ collection notes\n✓ channel user:*\n')
  expect((await collection('notes')).body).toMatchObject({ rules: { read: 'auth.uid == doc.owner' } })

  expect(await folder.run('deploy', '--check')).toMatchObject({ code: 0 })
  expect((await folder.run('deploy')).stdout).toContain('Nothing to do')
})

test('who may only read finds drift, and deploys nothing', async () => {
  const { body } = await server.call('POST', `/v1/projects/${project.ref}/keys`, {
    as: server.operator,
    body: { name: 'CI', kind: 'secret', scopes: ['settings:read'] },
  })
  await rm(join(folder.path, 'functions'), { recursive: true })
  const env = { BASALT_TOKEN: body.key }
  expect(await folder.runWith({ env }, 'deploy', '--check')).toMatchObject({ code: 1, stderr: '' })
  const refused = await folder.runWith({ env }, 'deploy', '--yes')
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('The key lacks the scope settings:write.')
  expect((await collection('notes')).status).toBe(404)
  await folder.run('deploy', '--yes')
  expect(await folder.runWith({ env }, 'deploy', '--check')).toMatchObject({ code: 0, stderr: '' })
})

test('the plan says what is slow, what is refused later, and what goes', async () => {
  await folder.run('deploy', '--yes')
  await replace('schema.ts', '        done: boolean(),\n', '        due: string(),\n')
  await replace('schema.ts', "fields: ['owner', '-createdAt']", "fields: ['owner'], unique: true")
  await replace('schema.ts', "          delete: 'auth.uid == before.owner',\n", '')
  await replace('channels.ts', "'user:*'", "'person:*'")
  const { stdout, code } = await folder.run('deploy', '--check')
  expect(code).toBe(1)
  expect(stdout).toContain(`~ collection notes
    - field done: boolean
        ! stored documents that hold it are refused when they change next
    + field due: string
        ! stored documents without it are refused when they change next
    + unique index owner
        ! built without blocking writes; refused if stored documents share values
    - index owner, -createdAt
        ! what was fast by it becomes slow, or stops working
    - rule delete: auth.uid == before.owner
`)
  expect(stdout).toMatch(/\+ channel person:\*[^]*- channel user:\*/)
})

test('a collection with documents stays until somebody names it', async () => {
  await folder.run('deploy', '--yes')
  await project.defineCollection('old')
  await project.call('POST', '/collections/old/documents', { body: { id: 'kept' } })

  const deployed = await folder.run('deploy', '--yes')
  expect(deployed.code).toBe(0)
  expect(deployed.stdout).toContain('! collection old is not in the folder; it stays, with 1 document')
  expect((await project.call('GET', '/collections/old/documents/kept')).status).toBe(200)
  expect((await folder.run('deploy', '--check')).code).toBe(1)

  const other = await folder.run('deploy', '--yes', '--delete', 'notes')
  expect(other).toMatchObject({ code: 2, stdout: '' })
  const deleted = await folder.run('deploy', '--yes', '--delete', 'old')
  expect(deleted.stdout).toContain('! deletes 1 document, for ever')
  expect((await collection('old')).status).toBe(404)
  expect((await folder.run('deploy', '--check')).code).toBe(0)
})

test('nothing is deployed where nobody can say yes', async () => {
  const { code, stderr } = await folder.run('deploy')
  expect(code).toBe(1)
  expect(stderr).toContain('add --yes')
  expect((await collection('notes')).status).toBe(404)
})

test('settings that the folder does not name stay as they are', async () => {
  await project.call('PATCH', '/auth/settings', { body: { settings: { secondFactor: 'required' } } })
  await replace('settings.ts', 'anonymous: { enabled: true }', 'anonymous: { enabled: false }')
  const { stdout } = await folder.run('deploy', '--yes')
  expect(stdout).toContain('~ settings auth\n    ~ anonymous.enabled\n        - true\n        + false\n')
  const { body } = await project.call('GET', '/auth/settings')
  expect(body.settings).toMatchObject({ secondFactor: 'required', anonymous: { enabled: false } })
})

test('settings may depend on the environment', async () => {
  await folder.write(
    'settings.ts',
    'export const settings = (name: string) => ({ auth: { links: { magicLink: `https://${name}.example.com/in` } } })',
  )
  await folder.run('deploy', '--yes')
  const { body } = await project.call('GET', '/auth/settings')
  expect(body.settings.links).toEqual({ magicLink: 'https://dev.example.com/in' })
})

test('scripts get JSON and nothing else', async () => {
  const checked = await folder.run('deploy', '--check', '--json')
  expect(checked.code).toBe(1)
  expect(JSON.parse(checked.stdout)).toMatchObject({
    environment: 'dev',
    project: project.ref,
    inSync: false,
    changes: [{ sign: '+', kind: 'collection', name: 'notes' }, { kind: 'channel' }, { kind: 'functions' }],
  })
  await folder.write('schema.ts', `console.log('hello')\n${await folder.read('schema.ts')}`)
  const deployed = await folder.run('deploy', '--yes', '--json')
  expect(JSON.parse(deployed.stdout)).toMatchObject({ inSync: false })
  expect(deployed.stderr).toContain('hello')
})

describe('faults of the folder are told with their places, and change nothing', () => {
  async function expectFaults(lines: string): Promise<void> {
    const { code, stderr } = await folder.run('deploy', '--yes')
    expect(stderr).toBe(lines)
    expect(code).toBe(1)
    expect((await project.call('GET', '/channels/rules')).body.channelRules).toEqual([])
    expect((await collection('notes')).status).toBe(404)
  }

  test('what the server refuses, all at once', async () => {
    await replace('schema.ts', "read: 'auth.uid", "read: 'aut.uid")
    await replace('schema.ts', "fields: ['owner',", "fields: ['own er',")
    await replace('channels.ts', "join: 'auth.uid ==", "join: 'auth.uid == =")
    await replace('settings.ts', 'anonymous: { enabled: true }', "anonymous: { enabled: 'yes' }")
    await expectFaults(`schema.ts:13:31 notes.indexes[0].fields[0]: may hold letters, digits and _ only
schema.ts:15:18 notes.rules.read: aut is not a variable. There are auth, doc and request.
channels.ts:5:34 user:*.rules.join: Unexpected character: =
settings.ts:7:28 auth.settings.anonymous.enabled: must be boolean
4 faults; nothing was changed.
`)
  })

  test('a rule that another file holds', async () => {
    await folder.write(
      'rules/owner.ts',
      '// who wrote it\nexport const isOwner =\n  "auth.uid == dok.owner"\n',
    )
    await folder.write(
      'schema.ts',
      `import { isOwner } from './rules/owner.ts'\n${await folder.read('schema.ts')}`,
    )
    await replace('schema.ts', "read: 'auth.uid == doc.owner'", 'read: isOwner')
    await expectFaults(
      'rules/owner.ts:3:16 notes.rules.read: dok is not a variable. There are auth, doc and request.\nOne fault; nothing was changed.\n',
    )
  })

  test('TypeScript that does not parse', async () => {
    await replace('schema.ts', 'done: boolean(),', 'done: boolean(,')
    const { code, stderr } = await folder.run('deploy', '--yes')
    expect(stderr).toMatch(/^schema\.ts:9:23 .+\nOne fault; nothing was changed\.\n$/)
    expect(code).toBe(1)
  })

  test('a module that throws', async () => {
    await replace('schema.ts', 'done: boolean(),', 'done: bolean(),')
    await expectFaults('schema.ts:9:15 bolean is not defined\nOne fault; nothing was changed.\n')
  })

  test('an export that is missing', async () => {
    await folder.write('schema.ts', 'export const scheme = {}')
    await expectFaults('schema.ts It must export schema.\nOne fault; nothing was changed.\n')
  })

  test('a module that ends the process', async () => {
    await folder.write('schema.ts', 'process.exit(0)')
    const { code, stderr } = await folder.run('deploy', '--yes')
    expect(code).toBe(1)
    expect(stderr).toContain('ended the process that loads them')
  })
})

test('a unique index that documents stand against is told, and what came before it holds', async () => {
  await replace(
    'schema.ts',
    'notes: collection(',
    'albums: collection({ name: string() }),\n    notes: collection(',
  )
  await folder.run('deploy', '--yes')
  for (const id of ['a', 'b']) {
    const body = { id, text: 'same', done: false, owner: 'ada' }
    await project.call('POST', '/collections/notes/documents', { body })
  }
  await replace(
    'schema.ts',
    'albums: collection({ name: string() })',
    "albums: collection({ name: string() }, { rules: { read: 'true' } })",
  )
  await replace('schema.ts', "fields: ['owner', '-createdAt']", "fields: ['owner'], unique: true")
  const { code, stdout, stderr } = await folder.run('deploy', '--yes')
  expect(code).toBe(1)
  expect(stdout).toContain('rules.read is always true')
  expect(stdout).toContain('✓ collection albums')
  expect(stderr).toContain('✗ collection notes: ')
  expect(stderr).toContain('1 of 2 changes were made. Deploying again goes on from here.')
  expect((await collection('albums')).body['rules']).toEqual({ read: 'true' })
  expect((await collection('notes')).body['indexes']).toEqual([
    { type: 'ordered', fields: ['owner', '-createdAt'] },
  ])
})
