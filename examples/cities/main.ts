import { createClient, type Basalt } from '@basalt/client'
import { deepStrictEqual } from 'node:assert'
import { parseArgs } from 'node:util'
import { cities, countries } from './atlas.ts'
import { guestBook, openGuestBook } from './guest-book.ts'
import { type Question, questions } from './questions.ts'
import { schema } from './schema.ts'
import { type ServedProject, serveProject } from '../serve-project.ts'

/**
 * Imports 135,233 cities and answers questions about them, each checked against plain JavaScript.
 * Without `--url` it starts a server of its own for as long as it runs. See README.md beside this file.
 */
const project = await openProject()
try {
  const connection = { url: project.url, project: project.project, schema }
  const server = createClient({ ...connection, key: project.secretKey })
  const visitor = createClient({ ...connection, key: project.publishableKey })
  await timed('schema applied', () => server.applySchema(schema))
  await timed(`${countries.length} countries and ${cities.length} cities imported`, () => importAtlas(server))
  const visits = await openGuestBook(server)
  let failed = 0
  for (const question of [...questions(visitor), ...guestBook(visitor, visits)]) {
    if (!(await isAnswered(question))) failed += 1
  }
  console.log(failed === 0 ? '\nEvery answer is right.' : `\n${failed} answers are wrong.`)
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  await project.stop()
}

async function openProject(): Promise<ServedProject> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      project: { type: 'string' },
      'publishable-key': { type: 'string' },
      'secret-key': { type: 'string' },
    },
  })
  const { url, project: ref, 'publishable-key': publishableKey, 'secret-key': secretKey } = values
  if (url === undefined) return serveProject()
  if (ref === undefined || publishableKey === undefined || secretKey === undefined) {
    throw new Error('With --url go --project, --publishable-key and --secret-key.')
  }
  return { url, project: ref, publishableKey, secretKey, stop: async () => undefined }
}

async function importAtlas(server: Basalt<typeof schema>): Promise<void> {
  // An empty collection has no conflicts, and needn't be asked for them.
  const isEmpty = (await server.collection('cities').count()) === 0
  const options = { onConflict: isEmpty ? 'error' : 'replace' } as const
  for (const { failed, errors } of [
    await server.collection('countries').import(countries, options),
    await server.collection('cities').import(cities, options),
  ]) {
    if (failed > 0) throw new Error(`${failed} documents were not imported: ${JSON.stringify(errors[0])}`)
  }
}

async function isAnswered({ text, ask, check }: Question): Promise<boolean> {
  console.log(`\n${text}`)
  const answer = await timed('answered', ask)
  try {
    deepStrictEqual(answer, check())
  } catch (error) {
    console.log(`FAIL ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
  console.log(`OK   ${shortened(answer)}`)
  return true
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now()
  const result = await work()
  console.log(`     ${what} in ${Math.round(performance.now() - begin)} ms`)
  return result
}

function shortened(answer: unknown): string {
  if (!Array.isArray(answer)) return JSON.stringify(answer)
  const shown = answer.slice(0, 5).map((item) => (typeof item === 'string' ? item : JSON.stringify(item)))
  return shown.join('; ') + (answer.length > 5 ? `; … ${answer.length} in all` : '')
}
