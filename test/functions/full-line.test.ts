import { afterAll, beforeAll, expect, test } from 'vitest'
import { deploy } from '../support/deploy.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

/** Hooks enqueue tasks as everybody does: when no more may wait, what would enqueue one is refused. */

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer({ BASALT_LIMIT_WAITING_TASKS_BY_PROJECT: '3' })
  project = await server.createProject()
  await project.defineCollection('orders')
  await project.defineCollection('plain')
  await deploy(project, {
    hears: `export default afterWrite('orders', () => null)`,
    greets: `export default afterSignUp(() => null)`,
    seen: `export default afterSignIn(() => null)`,
  })
  await project.call('PUT', '/tasks/queues/default', { body: { paused: true } })
})

afterAll(() => server.stop())

const create = (collection: string, id: string) =>
  project.call('POST', `/collections/${collection}/documents`, { body: { id } })

test('a full line refuses writes that are heard of, and no others, until there is room', async () => {
  const bob = { email: 'bob@example.com', password: 'correct horse battery' }
  expect((await project.call('POST', '/users', { body: bob })).status).toBe(201)
  for (const id of ['a', 'b', 'c']) expect((await create('orders', id)).status).toBe(201)
  const [refused, beside] = await Promise.all([create('orders', 'd'), create('plain', 'd')])
  expect(refused).toMatchObject({ status: 429, body: { code: 'quota_exceeded' } })
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(beside.status).toBe(201)
  expect((await project.call('GET', '/collections/orders/documents/d')).status).toBe(404)
  expect((await project.call('DELETE', '/collections/orders/documents/a')).status).toBe(429)

  const operations = [{ op: 'create', collection: 'orders', id: 'e', data: {} }]
  const transaction = await project.call('POST', '/transactions', { body: { operations } })
  expect(transaction).toMatchObject({ status: 429, body: { code: 'quota_exceeded' } })

  const signUp = () =>
    project.call('POST', '/auth/sign-up', {
      as: project.publishable,
      body: { email: 'ada@example.com', password: 'correct horse battery' },
    })
  expect(await signUp()).toMatchObject({ status: 429, body: { code: 'quota_exceeded' } })
  expect((await project.call('GET', '/users')).body.users).toMatchObject([{ email: bob.email }])
  // Who has an account gets in, and nobody is told.
  const signIn = await project.call('POST', '/auth/sign-in', { as: project.publishable, body: bob })
  expect(signIn.status).toBe(200)

  await project.call('PUT', '/tasks/queues/default', { body: { paused: false } })
  const retry = () => create('orders', 'd').then(({ status }) => status)
  await expect.poll(retry, { timeout: 20_000, interval: 300 }).toBe(201)
  await expect
    .poll(() => signUp().then(({ status }) => status), { timeout: 20_000, interval: 300 })
    .toBeLessThan(300)
}, 60_000)
