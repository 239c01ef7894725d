import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
})
afterAll(() => server.stop())

/** What would show that a dry run was none. */
async function configuration(): Promise<unknown> {
  const paths = ['', '/auth/settings', '/channels/rules', '/audit']
  return Promise.all(paths.map(async (path) => (await project.call('GET', path)).body))
}

test('a dry run tells what the settings of sign-in would be, and changes nothing', async () => {
  const before = await configuration()
  const body = { settings: { secondFactor: 'required' } }
  const answer = await project.call('PATCH', '/auth/settings?dryRun=true', { body })
  expect(answer.status).toBe(200)
  expect(answer.body.settings.secondFactor).toBe('required')
  expect(await configuration()).toEqual(before)
})

test('a dry run tells what the project would be, and changes nothing', async () => {
  const before = await configuration()
  const body = { name: 'Other', settings: { changes: { retentionDays: 3 } } }
  const answer = await project.call('PATCH', '?dryRun=true', { body })
  expect(answer.status).toBe(200)
  expect(answer.body).toMatchObject({ name: 'Other', settings: { changes: { retentionDays: 3 } } })
  expect(await configuration()).toEqual(before)
})

test('a dry run of channel rules checks them, and changes nothing', async () => {
  const before = await configuration()
  const put = (rules: object) =>
    project.call('PUT', '/channels/rules/room:*?dryRun=true', { body: { rules } })
  expect((await put({ join: 'true' })).status).toBe(204)
  expect(await configuration()).toEqual(before)
  const refused = await put({ join: 'auth.uid ==' })
  expect(refused.status).toBe(400)
  expect(refused.body.errors[0]).toMatchObject({ path: 'rules.join', code: 'invalid_rule' })
})

test('a dry run finds the faults that the change would have', async () => {
  const settings = await project.call('PATCH', '/auth/settings?dryRun=true', {
    body: { settings: { sms: { enabled: true } } },
  })
  expect(settings.status).toBe(400)
  expect(settings.body.errors[0].path).toBe('settings.smsSender')
  const limits = await project.call('PATCH', '?dryRun=true', {
    body: { settings: { limits: { requestsPerSecond: 1_000_000 } } },
  })
  expect(limits.status).toBe(400)
  expect(limits.body.errors[0].path).toBe('settings.limits.requestsPerSecond')
})

test('whoever may read may ask for a dry run, and for nothing else', async () => {
  const made = await server.call('POST', `/v1/projects/${project.ref}/keys`, {
    as: server.operator,
    body: { name: 'CI', kind: 'secret', scopes: ['settings:read'] },
  })
  expect(made.status).toBe(201)
  const as = made.body.key
  const before = await configuration()
  const requests = [
    ['PATCH', '', { name: 'Other' }],
    ['PATCH', '/auth/settings', { settings: { secondFactor: 'required' } }],
    ['PUT', '/channels/rules/room:*', { rules: { join: 'true' } }],
    ['PUT', '/collections/notes', { rules: { read: 'true' } }],
  ] as const
  for (const [method, path, body] of requests) {
    const send = async (query: string) => {
      const url = `/v1/projects/${project.ref}${path}${query}`
      return (await server.call(method, url, { as, body })).status
    }
    expect(await send('?dryRun=true')).toBeLessThan(300)
    for (const query of [
      '',
      '?dryRun=false',
      '?dryRun=1',
      '?dryRun=true&dryRun=false',
      '?dryRun=false&dryRun=true',
      '?dryRun[]=true',
      '?dryrun=true',
      '?dryRun=TRUE',
      '?dryRun=true%20',
    ]) {
      expect(await send(query), `${path}${query}`).toBe(403)
    }
  }
  expect(await configuration()).toEqual(before)
  const url = `/v1/projects/${project.ref}/functions/deployments?dryRun=true`
  expect((await server.call('POST', url, { as, body: { files: {} } })).status).toBe(403)
})
