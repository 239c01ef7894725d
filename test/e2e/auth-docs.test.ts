import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultTemplates, placeholders } from '../../src/auth/mail/default-templates.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

// docs/auth.md, sent to a server from top to bottom.
let server: TestServer
let project: TestProject
let page: string

beforeAll(async () => {
  page = await readFile(fileURLToPath(new URL('../../docs/auth.md', import.meta.url)), 'utf8')
  server = await startTestServer()
  project = await server.createProject('Blog')
})

afterAll(() => server.stop())

test('the server takes what is shown, and answers as shown', async () => {
  const sent: string[] = []
  let last: unknown
  for (const [, language = '', text = ''] of page.matchAll(/^```(\w+)\n([^]*?)^```$/gm)) {
    if (language === 'http') {
      const [, method = '', path = '', body = ''] = /^(\S+) (\S+)\n\n([^]*)$/.exec(text) ?? []
      const isOfApps = path.startsWith('/auth/') && !/settings|mails/.test(path)
      const as = isOfApps ? project.publishable : project.secret
      const answer = await project.call(method, path, { as, body: JSON.parse(body) })
      expect(answer, `${method} ${path}`).toMatchObject({ status: expect.toBeOneOf([200, 201]) })
      sent.push(path)
      last = answer.body
    } else if (language === 'json') expect(last).toMatchObject(asPattern(JSON.parse(text)))
    else if (language === 'ndjson') {
      const headers = { 'content-type': 'application/x-ndjson' }
      const { body } = await project.call('POST', '/users/import', { body: text, headers })
      expect(body).toEqual({ imported: text.trim().split('\n').length, failed: 0, errors: [] })
      sent.push('/users/import')
    }
  }
  expect(sent).toHaveLength(11)
})

test('every call that is named is there', async () => {
  const { paths } = (await server.call('GET', '/openapi.json')).body
  const named = [...page.matchAll(/`(GET|POST|PUT|PATCH|DELETE) (\/[^`\s]+)`/g)]
  expect(named.length).toBeGreaterThan(30)
  for (const [, method = '', path = ''] of named) {
    expect(paths[`/v1/projects/{ref}${path}`], path).toHaveProperty(method.toLowerCase())
  }
})

test('every template is named, in the languages that come along', () => {
  for (const name of Object.keys(placeholders)) expect(page).toContain(`\`${name}\``)
  expect(Object.keys(defaultTemplates)).toEqual(['en', 'de'])
})

/** `…` stands for any text. */
function asPattern(shown: unknown): object {
  if (typeof shown !== 'object' || shown === null) throw new Error('an answer is an object')
  const entries = Object.entries(shown).map(([name, value]) => {
    if (value === '…') return [name, expect.stringMatching(/./)]
    const isNested = typeof value === 'object' && value !== null && !Array.isArray(value)
    return [name, isNested ? asPattern(value) : value]
  })
  return Object.fromEntries(entries)
}
