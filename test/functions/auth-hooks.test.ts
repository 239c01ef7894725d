import { decodeJwt } from 'jose'
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

test('a function refuses a sign-in', async () => {
  const { status, body } = await signUp('eve@example.com')
  expect({ status, code: body.code }).toEqual({ status: 422, code: 'rejected' })
})

test('a hook that fails lets nobody in', async () => {
  await deploy(project, { broken: `export default beforeSignIn(() => { throw new Error('a bug') })` })
  const { status, body } = await project.call('POST', '/auth/sign-in', {
    as: project.publishable,
    body: { email: 'ada@example.com', password: 'correct horse battery' },
  })
  expect({ status, code: body.code }).toEqual({ status: 500, code: 'function_failed' })
})
