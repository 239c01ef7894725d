/**
 * What `basalt init` writes: an app of notes, each of them its author's alone, with a function of each usual kind, and
 * tests that it stays so.
 */
export function templates({
  name,
  version,
  project,
}: {
  name: string
  version: string
  project: string
}): [file: string, text: string][] {
  return [
    ['basalt.json', json({ environments: { dev: { url: 'http://127.0.0.1:4000', project } } })],
    ['schema.ts', schema],
    ['channels.ts', channels],
    ['settings.ts', settings],
    ['functions/trim-note.ts', trimNote],
    ['functions/finish-notes.ts', finishNotes],
    ['functions/count-notes.ts', countNotes],
    ['test/project.ts', testProject],
    ['test/notes.test.ts', test],
    ['package.json', json(packageOf(name, version))],
    ['tsconfig.json', json(tsconfig)],
    ['.gitignore', 'node_modules/\n.basalt/\n.env.local\n'],
  ]
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function packageOf(name: string, version: string): object {
  return {
    name,
    private: true,
    type: 'module',
    scripts: { dev: 'basalt dev', test: 'vitest run', deploy: 'basalt deploy' },
    dependencies: { '@basalt/client': `^${version}` },
    devDependencies: {
      '@types/node': '^26.0.0',
      basalt: `^${version}`,
      typescript: '^7.0.0',
      vitest: '^4.0.0',
    },
  }
}

// Node runs the files as they are, so they hold only what it can take away, and name files in full.
const tsconfig = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
  },
}

const schema = `import { boolean, collection, defineSchema, string } from '@basalt/client'

// What has no rule is refused. Rules are CEL: doc is the document, before what it was, auth who asks.
export const schema = defineSchema({
  collections: {
    notes: collection(
      {
        text: string({ minLength: 1, maxLength: 1000 }),
        done: boolean(),
        owner: string(),
      },
      {
        indexes: [{ fields: ['owner', '-createdAt'] }],
        rules: {
          read: 'auth.uid == doc.owner',
          list: 'auth.uid == doc.owner',
          create: 'auth != null && auth.uid == doc.owner',
          update: 'auth.uid == before.owner && doc.owner == before.owner',
          delete: 'auth.uid == before.owner',
        },
      },
    ),
  },
})
`

const channels = `import type { ChannelRules } from '@basalt/client'

// Who may hear and say something in which channels. A star stands for any one part of a name.
export const channels: Record<string, ChannelRules> = {
  'user:*': { join: 'auth.uid == channel.segments[1]', broadcast: 'auth.uid == channel.segments[1]' },
}
`

const settings = `import type { Settings } from '@basalt/client'

// Groups that are not named here stay as they are. Secrets are never in this file.
export const settings: Settings = {
  auth: {
    password: { enabled: true, requireVerifiedEmail: false },
    anonymous: { enabled: true },
  },
}
`

const trimNote = `import { functionsFor, reject } from '@basalt/client/functions'
import type { schema } from '../schema.ts'

const { beforeCreate } = functionsFor<typeof schema>()

// Runs inside each write, before schema and rules: what it returns is stored instead.
export default beforeCreate('notes', ({ document }) => {
  const text = String(document.text).trim()
  if (text === '') reject('A note says something')
  return { ...document, text }
})
`

const finishNotes = `import { integer } from '@basalt/client'
import { functionsFor } from '@basalt/client/functions'
import type { schema } from '../schema.ts'

const { callable } = functionsFor<typeof schema>()

// Called by apps: basalt.functions.call('finish-notes', {}). With the rights of the user who calls, so rules hold here too.
export default callable({
  output: { finished: integer() },
  async handler(_input, { as, auth, log }) {
    if (auth === null) return { finished: 0 }
    const notes = as(auth).collection('notes')
    let finished = 0
    for await (const { id } of notes.where({ done: false })) {
      await notes.update(id, { done: true })
      finished += 1
    }
    log.info('finished notes', { owner: auth.uid, finished })
    return { finished }
  },
})
`

const countNotes = `import { functionsFor } from '@basalt/client/functions'
import type { schema } from '../schema.ts'

const { schedule } = functionsFor<typeof schema>()

// Every morning, once on all servers together, with the rights of the function itself.
export default schedule('0 8 * * *', { timezone: 'Europe/Berlin' }, async (_input, { basalt, log }) => {
  log.info('notes so far', { count: await basalt.collection('notes').count() })
})
`

const testProject = `import { readFileSync } from 'node:fs'
import { createClient } from '@basalt/client'
import { schema } from '../schema.ts'

const { BASALT_URL, BASALT_PROJECT, BASALT_KEY } = process.env

/** The project of \`basalt dev\`, which has to be running, or the one that the environment names. */
const { url, project, publishableKey } =
  BASALT_URL === undefined
    ? JSON.parse(readFileSync(new URL('../.basalt/dev.json', import.meta.url), 'utf8'))
    : { url: BASALT_URL, project: BASALT_PROJECT, publishableKey: BASALT_KEY }

/** A client as an app has it: nobody has signed in yet. */
export const newClient = () => createClient({ url, project, key: publishableKey, schema })
`

const test = `import { expect, test } from 'vitest'
import type finishNotes from '../functions/finish-notes.ts'
import { newClient } from './project.ts'

const note = { text: 'Buy milk', done: false }

test('who has not signed in can not write', async () => {
  await expect(newClient().collection('notes').create({ ...note, owner: 'nobody' })).rejects.toMatchObject({
    code: 'forbidden',
  })
})

test('a note is its author\\'s alone', async () => {
  const ada = newClient()
  const bob = newClient()
  const { user } = await ada.auth.signInAnonymously()
  await bob.auth.signInAnonymously()

  const { id } = await ada.collection('notes').create({ ...note, owner: user.id })

  expect(await ada.collection('notes').get(id)).toMatchObject(note)
  await expect(bob.collection('notes').get(id)).rejects.toMatchObject({ code: 'not_found' })
  expect(await bob.collection('notes').count()).toBe(0)
})

test('a note is trimmed, and a function finishes those of whoever calls', async () => {
  const ada = newClient()
  const bob = newClient()
  const { user } = await ada.auth.signInAnonymously()
  await bob.auth.signInAnonymously()
  const { id } = await ada.collection('notes').create({ ...note, text: '  Buy bread ', owner: user.id })

  expect(await bob.functions.call<typeof finishNotes>('finish-notes', {})).toEqual({ finished: 0 })
  expect(await ada.functions.call<typeof finishNotes>('finish-notes', {})).toEqual({ finished: 1 })

  expect(await ada.collection('notes').get(id)).toMatchObject({ text: 'Buy bread', done: true })
})
`
