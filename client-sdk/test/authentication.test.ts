import { createClient } from '../src/client.ts'
import { expect, test } from 'vitest'
import { answer, failureOf, problem, scriptedServer } from './scripted-server.ts'

test('a publishable key names the project and gives no rights', async () => {
  const server = await scriptedServer(answer(200, {}))
  await server.client({ key: 'pk_1' }).collection('posts').get('a')
  expect(server.seen[0]!.headers).toMatchObject({ 'x-api-key': 'pk_1' })
  expect(server.seen[0]!.headers).not.toHaveProperty('authorization')
})

test('a secret key is the bearer', async () => {
  const server = await scriptedServer(answer(200, {}))
  await server.client({ key: 'sk_1' }).collection('posts').get('a')
  expect(server.seen[0]!.headers).toMatchObject({ authorization: 'Bearer sk_1' })
  expect(server.seen[0]!.headers).not.toHaveProperty('x-api-key')
})

test('each try asks for the access token anew', async () => {
  const server = await scriptedServer(problem(503, 'unavailable'), answer(200, {}))
  const tokens = ['old', 'new']
  await server
    .client({ accessToken: () => Promise.resolve(tokens.shift() ?? null) })
    .collection('posts')
    .get('a')
  expect(server.seen.map(({ headers }) => headers['authorization'])).toEqual(['Bearer old', 'Bearer new'])
})

test('what the token provider throws comes out as it is, and nothing is sent', async () => {
  const server = await scriptedServer(answer(200, {}))
  const reason = new Error('signed out')
  const client = server.client({ accessToken: () => Promise.reject(reason) })
  expect(await failureOf(client.collection('posts').get('a'))).toBe(reason)
  expect(server.seen).toHaveLength(0)
})

test('a secret key with an access token is refused, for one of them would be ignored', () => {
  expect(() => createClient({ url: 'http://x', project: 'demo', key: 'sk_1', accessToken: 't' })).toThrow(
    TypeError,
  )
})
