import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { callFunction, deploy, tryDeploy } from '../support/deploy.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('notes', {
    rules: { read: 'doc.owner == auth.uid', create: 'auth != null' },
  })
  await deploy(project, {
    add: `export default callable({
      input: { a: number(), b: number() },
      output: { sum: number() },
      access: 'public',
      handler: ({ a, b }) => ({ sum: a + b }),
    })`,
    greet: `export default callable({ handler: (_input, { auth }) => ({ hello: auth?.email ?? null }) as never })`,
    forServers: `export default callable({ access: 'server', handler: (_input, { caller }) => ({ caller }) as never })`,
    fails: `export default callable({ access: 'public', handler() {
      throw new RangeError('out of lamps')
    } })`,
    refuses: `export default callable({ handler: () => reject('not on Sundays') })`,
    lies: `export default callable({ output: { n: number() }, handler: () => ({ n: 'three' }) as never })`,
    pollutes: `export default callable({ handler: () => JSON.parse('{"a":{"__proto__":{"isAdmin":true}}}') })`,
    circular: `export default callable({ handler() { const a: any = {}; a.a = a; return a } })`,
    counts: `export default callable({ handler(_input, { log }) {
      for (let n = 0; n < 20; n++) log.info('line ' + n)
      return {}
    } })`,
    slow: `export default callable({ timeout: 300, handler: () => new Promise(() => setTimeout(() => {}, 60_000)) })`,
    naps: `export default callable({ handler: async () => { await new Promise((done) => setTimeout(done, 1500)); return {} } })`,
    writes: `export default callable({ handler: async (_input, { basalt }) => {
      const note = await basalt.collection('notes').create({ text: 'from inside' })
      return { id: note.id } as never
    } })`,
    reads: `export default callable({ input: json(), handler: async ({ id }: any, ctx) => {
      const as = ctx.auth === null ? ctx.basalt : ctx.as(ctx.auth)
      return await as.collection('notes').get(id) as never
    } })`,
    chain: `export default callable({ input: json(), handler: async (input: any, { basalt, event }) => {
      if (event.depth >= input.deep) return { depth: event.depth } as never
      return await basalt.functions.call('chain', input) as never
    } })`,
    relay: `export default callable({ input: json(), handler: async (input: any, ctx) => {
      if (input.left > 0) {
        return await ctx.as(ctx.auth!).functions.call('relay', { left: input.left - 1 }) as never
      }
      return { depth: ctx.event.depth, uid: ctx.auth?.uid } as never
    } })`,
    follows: `export default afterSignUp(async (user, { basalt, event }) => {
      const [name, n] = user.email!.split('@')[0]!.split('-')
      if (name !== 'chain') return
      await basalt.auth.signUp({ email: 'chain-' + (Number(n) + 1) + '@example.com', password: 'correct horse battery' })
    })`,
    readsOnly: `export default callable({ scopes: ['documents:read'], handler: async (_input, { basalt }) => {
      await basalt.collection('notes').create({ text: 'x' })
      return {}
    } })`,
    talks: `export default callable({ access: 'server', handler: (_input, { log }) => {
      for (let n = 0; n < 50; n++) console.log('line', n)
      log.info('paid', { order: 'order-4711' })
      return {}
    } })`,
    env: `export default callable({ handler: (_input, { env }) => ({ ...env, process: process.env.TOKEN ?? null }) as never })`,
  })
})

afterAll(() => server.stop())

test('a function is called by its name and gives its output', async () => {
  const { status, body } = await project.call('POST', '/functions/add', {
    as: project.publishable,
    body: { input: { a: 20, b: 22 } },
  })
  expect({ status, body }).toEqual({ status: 200, body: { output: { sum: 42 } } })
})

test('an input that does not fit is refused with its path', async () => {
  const { status, body } = await callFunction(project, 'add', { a: 1, b: '2' })
  expect(status).toBe(400)
  expect(body.errors[0].path).toBe('input.b')
  const missing = await callFunction(project, 'add', { a: 1 })
  expect(missing.status).toBe(400)
})

test('who may call is what the function says', async () => {
  const anonymous = { as: project.publishable, body: {} }
  expect((await project.call('POST', '/functions/greet', anonymous)).status).toBe(403)
  expect((await project.call('POST', '/functions/forServers', anonymous)).status).toBe(403)
  const { body: session } = await signUp('ada@example.com')
  const asUser = { as: session.accessToken, body: {} }
  expect((await project.call('POST', '/functions/greet', asUser)).body).toEqual({
    output: { hello: 'ada@example.com' },
  })
  expect((await project.call('POST', '/functions/forServers', asUser)).status).toBe(403)
  expect((await callFunction(project, 'forServers')).body).toEqual({ output: { caller: 'server' } })
})

test('what a function throws is told without its stack, which is in the logs with the lines of the source', async () => {
  const { status, body } = await project.call('POST', '/functions/fails', {
    as: project.publishable,
    body: {},
  })
  expect(status).toBe(500)
  expect(body).toMatchObject({ code: 'function_failed', detail: expect.stringContaining('out of lamps') })
  expect(JSON.stringify(body)).not.toMatch(/functions\/fails|stack/)
  const { body: found } = await project.call('GET', '/functions/fails/logs?level=error')
  expect(found.logs[0].stack).toContain('functions/fails.ts:2:')
})

test('lines are read in the order in which they were written, page by page to the oldest', async () => {
  const lines = async (query: string): Promise<{ id: string; message: string }[]> =>
    (await project.call('GET', `/functions/counts/logs?${query}`)).body.logs
  await callFunction(project, 'counts')
  // Lines go another way than the answer.
  await expect.poll(async () => (await lines('limit=500')).length).toBe(20)
  const newest = await lines('limit=8')
  const older = await lines(`limit=8&before=${newest.at(-1)!.id}`)
  const oldest = await lines(`limit=8&before=${older.at(-1)!.id}`)
  const said = [...newest, ...older, ...oldest].map(({ message }) => message)
  expect(said).toEqual(Array.from({ length: 20 }, (_, n) => `line ${19 - n}`))
  const between = await lines(`after=${oldest.at(-1)!.id}&before=${older[0]!.id}`)
  expect(between).toHaveLength(10)
})

test('a refusal is 422 with the reason', async () => {
  const { status, body } = await callFunction(project, 'refuses')
  expect({ status, code: body.code, detail: body.detail }).toEqual({
    status: 422,
    code: 'rejected',
    detail: 'not on Sundays',
  })
})

test('an output that is not what was promised, or not JSON, is a failure', async () => {
  for (const name of ['lies', 'pollutes', 'circular']) {
    const { status, body } = await callFunction(project, name)
    expect({ name, status, code: body.code }).toEqual({ name, status: 500, code: 'function_failed' })
  }
})

test('a function that takes too long is cut off', async () => {
  const { status, body } = await callFunction(project, 'slow')
  expect({ status, code: body.code }).toEqual({ status: 504, code: 'function_timeout' })
})

test('more than sixteen at once are refused, and the others are not', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => callFunction(project, 'naps')))
  const statuses = answers.map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(16)
  expect(statuses.filter((status) => status === 429)).toHaveLength(4)
})

test('a function acts for itself, or as the user who calls with no more than their rights', async () => {
  const written = await callFunction(project, 'writes')
  const { id } = written.body.output
  expect((await callFunction(project, 'reads', { id })).body.output.text).toBe('from inside')
  const { body: session } = await signUp('bob@example.com')
  const asUser = await project.call('POST', '/functions/reads', {
    as: session.accessToken,
    body: { input: { id } },
  })
  expect(asUser.status).toBe(500)
  expect(asUser.body.detail).toContain('does not exist')
})

test('a function has the scopes that it declares and no more', async () => {
  const { status, body } = await callFunction(project, 'readsOnly')
  expect(status).toBe(500)
  expect(body.detail).toContain('documents:write')
})

test('a chain of functions ends at depth eight', async () => {
  expect((await callFunction(project, 'chain', { deep: 8 })).body).toEqual({ output: { depth: 8 } })
  const { status, body } = await callFunction(project, 'chain', { deep: 9 })
  expect(status).toBe(500)
  expect(body.detail).toContain('9 deep')
})

test('a chain ends too when its functions act as the user who called the first', async () => {
  const { body: session } = await signUp('carol@example.com')
  const relay = (left: number) =>
    project.call('POST', '/functions/relay', { as: session.accessToken, body: { input: { left } } })
  expect((await relay(3)).body.output).toEqual({ depth: 3, uid: session.user.id })
  expect((await relay(9)).status).toBe(500)
})

test('a chain ends too when it goes through the sign-ups that it makes', async () => {
  await signUp('chain-1@example.com')
  const made = () => server.services.control.user.count({ where: { email: { startsWith: 'chain-' } } })
  // The first, and one by each of the functions at depth 0 to 8.
  await expect.poll(made, { timeout: 15_000 }).toBe(10)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(await made()).toBe(10)
  const { body } = await project.call('GET', '/functions/follows/logs?level=error')
  expect(JSON.stringify(body)).toContain('more than 8 functions led to this account')
})

test('new lines are told as they are written', async () => {
  const response = await fetch(`${server.url}/v1/projects/${project.ref}/functions/fails/logs?follow=true`, {
    headers: { authorization: `Bearer ${project.secret}` },
  })
  const reader = response.body!.getReader()
  await reader.read()
  await callFunction(project, 'fails')
  const { value } = await reader.read()
  expect(JSON.parse(new TextDecoder().decode(value).trim())).toMatchObject({ level: 'error' })
  await reader.cancel()
})

test('lines stand in the order in which they were written, and are found by what they say and by their fields', async () => {
  await callFunction(project, 'talks')
  const read = async (query: string) =>
    (await project.call('GET', `/functions/talks/logs?${query}`)).body.logs
  await expect.poll(() => read('limit=100'), { timeout: 5_000 }).toHaveLength(51)
  const messages = (await read('limit=100')).map(({ message }: { message: string }) => message)
  expect(messages).toEqual(['paid', ...Array.from({ length: 50 }, (_, n) => `line ${49 - n}`)])
  expect(await read('search=LINE%2017')).toHaveLength(1)
  expect(await read('search=order-4711')).toMatchObject([
    { message: 'paid', fields: { order: 'order-4711' } },
  ])
  expect(await read('search=nothing')).toEqual([])
  await callFunction(project, 'talks')
  await expect.poll(() => read('limit=200'), { timeout: 5_000 }).toHaveLength(102)
  const [{ invocationId }] = await read('limit=1')
  const ofOne = await read(`limit=200&invocation=${invocationId}`)
  expect(ofOne).toHaveLength(51)
  expect(new Set(ofOne.map((line: { invocationId: string }) => line.invocationId))).toEqual(
    new Set([invocationId]),
  )
})

test('a line that another node stores late is told all the same', async () => {
  const response = await fetch(`${server.url}/v1/projects/${project.ref}/functions/talks/logs?follow=true`, {
    headers: { authorization: `Bearer ${project.secret}` },
  })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  await reader.read()
  const { id: projectId } = await server.services.control.project.findUniqueOrThrow({
    where: { ref: project.ref },
  })
  const store = (at: number, message: string) =>
    server.services.control.functionLog.create({
      data: {
        id: newId(at),
        projectId,
        function: 'talks',
        invocationId: '',
        deploymentId: '',
        level: 'info',
        message,
      },
    })
  const now = Date.now() + 1_000
  let text = ''
  const until = async (part: string) => {
    while (!text.includes(part)) text += (await reader.read()).value ?? ''
  }
  await store(now, 'the newer one')
  await until('the newer one')
  await store(now - 500, 'the older one')
  await until('the older one')
  expect(text.split('the newer one')).toHaveLength(2)
  await reader.cancel()
})

test('secrets reach running functions at once and come back nowhere', async () => {
  const put = (value: string) => project.call('PUT', '/functions/secrets/TOKEN', { body: { value } })
  expect((await put('hidden-1')).status).toBe(204)
  expect((await callFunction(project, 'env')).body.output).toEqual({ TOKEN: 'hidden-1', process: 'hidden-1' })
  await put('hidden-2')
  expect((await callFunction(project, 'env')).body.output.TOKEN).toBe('hidden-2')
  for (const path of ['/functions/secrets', '/functions/secrets/TOKEN', '/audit']) {
    expect(JSON.stringify((await project.call('GET', path, { as: server.operator })).body)).not.toContain(
      'hidden',
    )
  }
  expect((await project.call('DELETE', '/functions/secrets/TOKEN')).status).toBe(204)
  expect((await callFunction(project, 'env')).body.output.TOKEN).toBeUndefined()
})

test('a deployment that does not build or load is refused, and what runs goes on', async () => {
  const build = await tryDeploy(project, { add: `\nexport default callable({ handler( => 1 })` })
  expect(build.status).toBe(422)
  expect(build.body.errors[0].path).toMatch(/^functions\/add\.ts:2:/)
  const load = await tryDeploy(project, { add: `\n\nthrow new Error('no luck'); export default 1` })
  expect(load.status).toBe(422)
  expect(load.body.errors[0]).toMatchObject({
    path: expect.stringMatching(/^functions\/add\.ts:3:/),
    message: 'no luck',
  })
  const nothing = await tryDeploy(project, { add: `export const a = 1` })
  expect(nothing.status).toBe(422)
  const endless = await tryDeploy(project, { add: `while (true); export default 1` })
  expect(endless.status).toBe(422)
  expect((await callFunction(project, 'add', { a: 1, b: 2 })).body).toEqual({ output: { sum: 3 } })
})

function signUp(email: string) {
  return project.call('POST', '/auth/sign-up', {
    as: project.publishable,
    body: { email, password: 'correct horse battery' },
  })
}
