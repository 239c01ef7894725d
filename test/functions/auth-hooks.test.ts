import { decodeJwt } from 'jose'
import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deploy } from '../support/deploy.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('welcomed', {})
  await deploy(project, {
    onlyOurs: `export default beforeSignUp((user) => {
      if (!user.email?.endsWith('@example.com')) reject('Only people of example.com')
    })`,
    noEve: `export default beforeSignIn((user) => { if (user.email === 'eve@example.com') reject('Not today') })`,
    claims: `export default customClaims((user) => ({ plan: 'gold', keys: Object.keys(user).sort() }))`,
    welcome: `export default afterSignUp(async (user, { basalt }) => {
      await basalt.collection('welcomed').create({ id: user.id, email: user.email })
    })`,
  })
})

afterAll(() => server.stop())

const signUp = (email: string) =>
  project.call('POST', '/auth/sign-up', {
    as: project.publishable,
    body: { email, password: 'correct horse battery' },
  })

test('a function refuses who may sign up, with its reason', async () => {
  const { status, body } = await signUp('mallory@elsewhere.test')
  expect({ status, code: body.code, detail: body.detail }).toEqual({
    status: 422,
    code: 'rejected',
    detail: 'Only people of example.com',
  })
  expect(await server.services.control.user.count({ where: { email: 'mallory@elsewhere.test' } })).toBe(0)
})

test('a function adds claims to each token, and sees no secret of the user', async () => {
  const { status, body } = await signUp('ada@example.com')
  expect(status).toBeLessThan(300)
  expect(decodeJwt(body.accessToken)['claims']).toEqual({
    plan: 'gold',
    keys: ['claims', 'email', 'id', 'isAnonymous', 'phone', 'profile', 'roles'],
  })
  const id: string = body.user.id
  await expect
    .poll(async () => (await project.call('GET', `/collections/welcomed/documents/${id}`)).body.email)
    .toBe('ada@example.com')
})

test('a function hears of a new account as a task: again if it failed, under the same id, with the user of then', async () => {
  const fresh = await server.createProject()
  await fresh.defineCollection('greeted', {})
  await deploy(fresh, {
    greet: `export default afterSignUp(async (user, { basalt, event }) => {
      const id = event.id + '-' + event.attempt
      await basalt.collection('greeted').create({ id, user: user.id, email: user.email, keys: Object.keys(user).sort().join() })
      if (event.attempt === 1) throw new Error('Once more, please')
    })`,
  })
  const { body } = await fresh.call('POST', '/auth/sign-up', {
    as: fresh.publishable,
    body: { email: 'grace@example.com', password: 'correct horse battery' },
  })
  const greeted = async () =>
    (await fresh.call('GET', '/collections/greeted/documents?sort=createdAt')).body.documents
  await expect.poll(greeted, { timeout: 20_000 }).toHaveLength(2)
  const [task] = (await fresh.call('GET', '/tasks')).body.tasks
  expect(task).toMatchObject({ name: 'greet', kind: 'user_event' })
  expect(await greeted()).toMatchObject(
    [1, 2].map((attempt) => ({
      id: `${task.id}-${attempt}`,
      user: body.user.id,
      email: 'grace@example.com',
      keys: 'claims,email,id,isAnonymous,phone,profile,roles',
    })),
  )
  // Tasks are seen by others than users are.
  const shown = await fresh.call('GET', `/tasks/${task.id}`)
  expect(JSON.stringify(shown.body)).not.toContain('grace')
}, 30_000)

test('a function does not hear of an account that was not made, or is gone', async () => {
  const fresh = await server.createProject()
  await fresh.defineCollection('greeted', {})
  await fresh.call('PUT', '/tasks/queues/default', { body: { paused: true } })
  await deploy(fresh, {
    greet: `export default afterSignUp(async (user, { basalt }) => { await basalt.collection('greeted').create({ id: user.id }) })`,
    noEve: `export default beforeSignIn((user) => { if (user.email === 'eve@example.com') reject('Not today') })`,
  })
  const join = (email: string) =>
    fresh.call('POST', '/auth/sign-up', {
      as: fresh.publishable,
      body: { email, password: 'correct horse battery' },
    })
  expect((await join('eve@example.com')).status).toBe(422)
  expect((await fresh.call('GET', '/tasks')).body.tasks).toEqual([])
  const { body } = await join('ada@example.com')
  expect((await fresh.call('DELETE', `/users/${body.user.id}`)).status).toBe(204)
  await fresh.call('PUT', '/tasks/queues/default', { body: { paused: false } })
  await expect
    .poll(async () => (await fresh.call('GET', '/tasks')).body.tasks, { timeout: 15_000 })
    .toMatchObject([{ name: 'greet', state: 'succeeded', attempt: 1 }])
  expect((await fresh.call('GET', '/collections/greeted/documents')).body.documents).toEqual([])
})

test('a function refuses a sign-in', async () => {
  const { status, body } = await signUp('eve@example.com')
  expect({ status, code: body.code }).toEqual({ status: 422, code: 'rejected' })
})

test('a function hears of each sign-in once it is complete, and of nothing else', async () => {
  const own = await server.createProject()
  await own.defineCollection('seen', {})
  await deploy(own, {
    seen: `export default afterSignIn(async (user, { basalt }) => {
      await basalt.collection('seen').create({ user: user.id, keys: Object.keys(user) })
    })`,
  })
  const seen = async () => (await own.call('GET', '/collections/seen/documents')).body.documents
  const post = (path: string, body: object, as = own.publishable) =>
    own.call('POST', `/auth${path}`, { as, body })
  const credentials = { email: 'ada@example.com', password: 'correct horse battery' }

  const { user, accessToken: as, refreshToken } = (await post('/sign-up', credentials)).body
  await expect.poll(async () => (await seen()).length).toBe(1)
  expect((await seen())[0]).toMatchObject({
    user: user.id,
    keys: expect.not.arrayContaining(['passwordHash']),
  })

  const app = (await post('/factors/totp', {}, as)).body
  const code = new TOTP({ secret: Secret.fromBase32(app.secret) }).generate()
  const { recoveryCodes } = (await post(`/factors/${app.id}/confirm`, { code }, as)).body
  expect((await post('/token', { refreshToken })).status).toBe(200)
  expect((await post('/step-up', { code: recoveryCodes[0] }, as)).status).toBe(200)
  expect((await own.call('POST', `/users/${user.id}/impersonate`)).status).toBe(201)
  const half = await post('/sign-in', credentials)
  expect(half.body.factorRequired).toBe(true)
  await post('/factors/verify', { code: 'wrong' }, half.body.accessToken)
  // What would come from all of these comes before what comes of the next.
  const verified = await post('/factors/verify', { code: recoveryCodes[1] }, half.body.accessToken)
  expect(verified.body.factorRequired).toBe(false)
  await expect.poll(async () => (await seen()).length).toBe(2)
  const other = await post('/sign-in/anonymous', {})
  await expect.poll(async () => (await seen()).length).toBe(3)
  expect(
    (await seen()).map((each: { user: string }) => each.user).filter((id: string) => id !== user.id),
  ).toEqual([other.body.user.id])
})

test('what a function does after a sign-in, or fails to, does not touch it', async () => {
  const own = await server.createProject()
  await deploy(own, { broken: `export default afterSignIn(() => { throw new Error('a bug') })` })
  const { status } = await own.call('POST', '/auth/sign-in/anonymous', { as: own.publishable })
  expect(status).toBe(201)
})

test('a hook that fails lets nobody in', async () => {
  await deploy(project, { broken: `export default beforeSignIn(() => { throw new Error('a bug') })` })
  const { status, body } = await project.call('POST', '/auth/sign-in', {
    as: project.publishable,
    body: { email: 'ada@example.com', password: 'correct horse battery' },
  })
  expect({ status, code: body.code }).toEqual({ status: 500, code: 'function_failed' })
})
