import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { callFunction, deploy } from '../support/deploy.ts'
import { startOn, type TestProject, type TestServer } from '../support/server.ts'

const key = (fill: number): string => Buffer.alloc(32, fill).toString('base64')
const password = 'correct horse battery'

let database: TestDatabase
let node: TestServer | undefined
let project: TestProject
let refreshToken: string
let appSecret: string
let recoveryCodes: string[]

beforeAll(async () => {
  database = await createTestDatabase()
  node = await startOn(database.url, { BASALT_MASTER_KEY: key(1) })
  project = await node.createProject()
  await deploy(project, {
    tells: `export default callable({ access: 'server', handler: (_, { env }) => ({ token: env.TOKEN }) as never })`,
  })
  await project.call('PUT', '/functions/secrets/TOKEN', { body: { value: 'hidden' } })
  const put = await project.call('PATCH', '/auth/settings', { body: { secrets: { smsToken: 'shared' } } })
  expect(put.status).toBe(200)
  const { body } = await as('POST', '/auth/sign-up', { email: 'ada@example.com', password })
  refreshToken = body.refreshToken
  const enrolled = await as('POST', '/auth/factors/totp', {}, body.accessToken)
  appSecret = enrolled.body.secret
  const path = `/auth/factors/${enrolled.body.id}/confirm`
  const confirmed = await as('POST', path, { code: codeOf(-1) }, body.accessToken)
  recoveryCodes = confirmed.body.recoveryCodes
  expect(recoveryCodes).toHaveLength(10)
}, 60_000)

afterAll(async () => {
  await node?.stop()
  await database.drop()
})

function as(method: string, path: string, body: object, token = project.publishable) {
  return node!.call(method, `/v1/projects/${project.ref}${path}`, {
    as: token,
    body,
    headers: { 'x-api-key': project.publishable },
  })
}

function codeOf(stepsAway: number): string {
  const totp = new TOTP({ secret: Secret.fromBase32(appSecret) })
  return totp.generate({ timestamp: Date.now() + stepsAway * 30_000 })
}

/** Signs in with the second factor. */
async function signInWith(code: string): Promise<number> {
  const owes = await as('POST', '/auth/sign-in', { email: 'ada@example.com', password })
  expect(owes.body.factorRequired).toBe(true)
  return (await as('POST', '/auth/factors/verify', { code }, owes.body.accessToken)).status
}

async function restart(env: Record<string, string>): Promise<void> {
  await node?.stop()
  node = undefined
  const { ref, publishable, secret } = project
  node = await startOn(database.url, env)
  project = {
    ...project,
    call: (method, path, options) =>
      node!.call(method, `/v1/projects/${ref}${path}`, { as: secret, ...options }),
  }
  expect(publishable).toMatch(/^pk_/)
}

test('while a node runs with the old key none starts with a new one, and none with the new one alone', async () => {
  const both = { BASALT_MASTER_KEY: key(2), BASALT_MASTER_KEY_PREVIOUS: key(1) }
  await expect(startOn(database.url, both)).rejects.toThrow(/stop them all/)
  await node?.stop()
  node = undefined
  await expect(startOn(database.url, { BASALT_MASTER_KEY: key(2) })).rejects.toThrow(/another master key/)
  const wrong = { BASALT_MASTER_KEY: key(2), BASALT_MASTER_KEY_PREVIOUS: key(3) }
  await expect(startOn(database.url, wrong)).rejects.toThrow(/another master key/)
}, 30_000)

test('with both keys everything goes on, and is encrypted anew', async () => {
  await restart({ BASALT_MASTER_KEY: key(2), BASALT_MASTER_KEY_PREVIOUS: key(1) })
  expect((await callFunction(project, 'tells')).body.output).toEqual({ token: 'hidden' })
  const refreshed = await as('POST', '/auth/token', { refreshToken })
  expect(refreshed.status).toBe(200)
  refreshToken = refreshed.body.refreshToken
  expect(await signInWith(codeOf(0))).toBe(200)
  expect(await signInWith(recoveryCodes[0]!)).toBe(200)
}, 30_000)

test('then the new key is enough, and the old one opens nothing', async () => {
  await restart({ BASALT_MASTER_KEY: key(2) })
  expect((await callFunction(project, 'tells')).body.output).toEqual({ token: 'hidden' })
  // Made with the new key when it was refreshed.
  expect((await as('POST', '/auth/token', { refreshToken })).status).toBe(200)
  expect(await signInWith(codeOf(1))).toBe(200)
  expect((await project.call('GET', '/auth/settings')).status).toBe(200)
  await node?.stop()
  node = undefined
  await expect(startOn(database.url, { BASALT_MASTER_KEY: key(1) })).rejects.toThrow(/another master key/)
}, 30_000)
