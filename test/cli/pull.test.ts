import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { type CliFolder, makeFolder, typecheck } from './cli-folder.ts'

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
  // Some make another one meanwhile.
  context.onTestFinished(() => folder.remove())
  folder.env['BASALT_TOKEN'] = project.secret
  await folder.write('package.json', '{ "type": "module" }')
  await folder.write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2024',
        types: [],
        strict: true,
        noEmit: true,
        skipLibCheck: true,
      },
      include: ['*.ts'],
    }),
  )
  await folder.write(
    'basalt.json',
    JSON.stringify({ environments: { dev: { url: server.url, project: project.ref } } }),
  )
})

/** Everything that a schema can hold: what the SDK's builders say, and what they can't. */
const elaborate = {
  shops: {
    schema: {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 80 },
        slug: { type: 'string', pattern: '^[a-z-]+$' },
        kind: { type: 'string', enum: ["farmer's", 'say "hi"', 'back\\slash'] },
        rating: { type: 'number', minimum: 0, maximum: 5 },
        staff: { type: 'integer' },
        open: { type: 'boolean' },
        since: { type: 'string', format: 'date-time' },
        place: {
          type: 'object',
          properties: {
            type: { const: 'Point' },
            coordinates: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
          },
          required: ['type', 'coordinates'],
          additionalProperties: false,
        },
        address: {
          type: 'object',
          properties: { zip: { type: 'string' }, city: { type: 'string' }, floor: { type: 'integer' } },
          required: ['city', 'zip'],
          additionalProperties: false,
        },
        tags: { type: 'array', items: { type: 'string' }, maxItems: 10, uniqueItems: true },
        owner: { type: 'string' },
        friends: { type: 'array', items: { type: 'string' }, maxItems: 5 },
        extra: {},
        'odd-name': { anyOf: [{ type: 'string' }, { type: 'null' }] },
      },
      required: ['slug', 'name', 'address', 'odd-name'],
      additionalProperties: false,
    },
    indexes: [
      { fields: ['slug'], unique: true },
      { fields: ['kind', '-rating', 'address.city'] },
      { type: 'search', fields: ['name'], language: 'english' },
      { type: 'geo', fields: ['place'] },
    ],
    rules: {
      read: 'true',
      list: "doc.open == true &&\n  doc.kind in ['farmer\\'s', \"say\"]",
      update: 'auth.uid == before.owner',
    },
    fields: {
      owner: { relation: 'users', write: 'false' },
      friends: { relation: 'shops' },
      'address.zip': { read: "'admin' in auth.roles" },
      rating: { read: 'auth != null', write: "'admin' in auth.roles" },
    },
  },
  open: { schema: null, indexes: [{ fields: ['a.b.c'] }], rules: { read: 'true' }, fields: {} },
  loose: {
    schema: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
    fields: { 'not.there': { read: 'true' } },
  },
  empty: { schema: { type: 'object', properties: {}, required: [], additionalProperties: false } },
  users: { rules: { list: 'auth != null' }, fields: { email: { read: 'auth != null' } } },
}

async function elaborateProject(): Promise<void> {
  for (const [name, definition] of Object.entries(elaborate)) await project.defineCollection(name, definition)
  for (const [pattern, rules] of Object.entries({
    'room:*': { join: 'auth != null', broadcast: "message.event != 'admin'" },
    'a:*:c': { presence: 'auth != null' },
  })) {
    const { status } = await project.call('PUT', `/channels/rules/${pattern}`, { body: { rules } })
    expect(status).toBe(200)
  }
  const settings = {
    secondFactor: 'required',
    providers: { github: { enabled: true, clientId: 'abc', scopes: ['user'] } },
    redirectUrls: ['https://app.example.com/in', 'app://in'],
    smtp: { host: 'mail.example.com', port: 587, secure: false, from: "Shop's <no-reply@example.com>" },
    templates: { verify_email: { en: { subject: 'Hello', text: 'Your `code`:\n\n${x} {{code}}' } } },
  }
  const changed = await project.call('PATCH', '/auth/settings', { body: { settings } })
  expect(changed.status).toBe(200)
  const own = { settings: { cors: { origins: ['https://app.example.com'] }, changes: { retentionDays: 3 } } }
  expect((await project.call('PATCH', '', { body: own })).status).toBe(200)
}

test('what is pulled says exactly what the project is, and is TypeScript that checks', async () => {
  await elaborateProject()
  const pulled = await folder.run('pull')
  expect(pulled).toEqual({
    code: 0,
    stdout: 'wrote schema.ts\nwrote channels.ts\nwrote settings.ts\n',
    stderr: '',
  })
  const checked = await folder.run('deploy', '--check')
  expect(checked.stdout).toContain('No drift')
  expect(checked.code).toBe(0)
  expect(await folder.run('pull')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Nothing to do'),
  })

  // Into an empty project it brings all of it.
  const other = await server.createProject()
  await folder.write(
    'basalt.json',
    JSON.stringify({ environments: { dev: { url: server.url, project: other.ref } } }),
  )
  folder.env['BASALT_TOKEN'] = other.secret
  expect(await folder.run('deploy', '--yes')).toMatchObject({ code: 0, stderr: '' })
  for (const path of ['/collections', '/auth/settings']) {
    expect((await other.call('GET', path)).body).toEqual((await project.call('GET', path)).body)
  }
  await typecheck(folder)
})

test('a file that says what the project is keeps its comments; another is rewritten only if somebody says so', async () => {
  const linked = await folder.read('basalt.json')
  await folder.remove()
  folder = await makeFolder()
  folder.env['BASALT_TOKEN'] = project.secret
  await folder.run('init')
  await folder.write('basalt.json', linked)
  await folder.run('deploy', '--yes')
  const schema = await folder.read('schema.ts')
  await project.call('PUT', '/channels/rules/lobby', { body: { rules: { join: 'true' } } })

  const refused = await folder.run('pull')
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('Rewrite channels.ts and settings.ts?')
  expect(await folder.read('channels.ts')).not.toContain('lobby')

  expect((await folder.run('pull', '--yes')).stdout).toBe('wrote channels.ts\nwrote settings.ts\n')
  expect(await folder.read('schema.ts')).toBe(schema)
  expect(await folder.read('channels.ts')).toContain("  lobby: { join: 'true' },\n")
})

test('a pulled file is pleasant to read', async () => {
  await project.defineCollection('posts', {
    schema: {
      type: 'object',
      properties: {
        title: { type: 'string', maxLength: 200 },
        votes: { type: 'integer', minimum: 0 },
        author: { type: 'string' },
      },
      required: ['title', 'votes'],
      additionalProperties: false,
    },
    indexes: [{ fields: ['-votes'] }],
    rules: { list: 'doc.votes >= 0', read: 'true' },
    fields: { author: { relation: 'posts' }, votes: { write: 'false' } },
  })
  await folder.run('pull')
  expect(await folder.read('schema.ts'))
    .toBe(`import { collection, defineSchema, integer, reference, string } from '@basalt/client'

export const schema = defineSchema({
  collections: {
    posts: collection(
      {
        title: string({ maxLength: 200 }),
        votes: integer({ minimum: 0 }).rules({ write: 'false' }),
        author: reference('posts').optional(),
      },
      {
        indexes: [{ fields: ['-votes'] }],
        rules: { read: 'true', list: 'doc.votes >= 0' },
      },
    ),
  },
})
`)
})
