import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { sendRaw } from './raw.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject('Named Nowhere')
  await project.defineCollection('hidden_things')
})

afterAll(() => server.stop())

/** `name{label="value",…} number`, of our own metrics. */
function parseMetrics(text: string): { name: string; labels: Map<string, string> }[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('basalt_'))
    .map((line) => {
      const [, name = '', inside = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? []
      const labels = [...inside.matchAll(/(\w+)="([^"]*)"/g)]
      return { name, labels: new Map(labels.map(([, label = '', value = '']) => [label, value])) }
    })
}

/** Requests whose addresses are as different as callers can make them. */
async function makeTraffic(): Promise<string[]> {
  const said: string[] = []
  for (let round = 0; round < 5; round++) {
    const id = randomUUID()
    said.push(id)
    const documents = `/v1/projects/${project.ref}/collections/hidden_things/documents`
    await server.call('PUT', `${documents}/${id}`, { as: project.secret, body: { title: id } })
    await server.call('GET', `${documents}/${id}?fields=title`, { as: project.secret })
    await server.call('GET', `${documents}/${id}`)
    await server.call('GET', `/v1/projects/${id}/keys/${id}`)
    await server.call('DELETE', `/v1/projects/${project.ref}/keys/${id}`, { as: project.secret })
    await server.call('GET', `/${id}/${id}`)
    await server.call('GET', `/docs/static/${id}`)
    await server.call('GET', `/console/${id}`)
    await server.call('OPTIONS', `/v1/projects/${id}/${id}`)
    await sendRaw(server.url, `PROPFIND /${id} HTTP/1.1\r\nHost: ${id}\r\nConnection: close\r\n\r\n`)
  }
  return said
}

test('metrics know routes by their patterns, and hold no id, name or key', async () => {
  const said = await makeTraffic()
  const { body: described } = await server.call('GET', '/openapi.json')
  await server.call('GET', '/metrics')
  const first = await server.call('GET', '/metrics')
  const patterns = new Set(Object.keys(described.paths).map((path) => path.replaceAll(/\{(\w+)\}/g, ':$1')))
  const others = ['unknown', '/v1/projects/:ref/*', '/openapi.json']

  const series = parseMetrics(first.body)
  const routes = new Set(series.flatMap(({ labels }) => labels.get('route') ?? []))
  expect(routes.size).toBeGreaterThan(6)
  for (const route of routes) {
    const isOurs = patterns.has(route) || others.includes(route) || /^\/(docs|console)(\/|$)/.test(route)
    expect({ route, isOurs }).toEqual({ route, isOurs: true })
  }
  for (const { labels } of series) {
    for (const name of labels.keys()) expect(['method', 'route', 'status', 'le']).toContain(name)
    expect(labels.get('status') ?? '200').toMatch(/^[1-5]\d\d$/)
    expect(labels.get('method') ?? 'GET').toMatch(/^[A-Z]{3,10}$/)
  }
  const secrets = [
    ...said,
    project.ref,
    project.secret,
    project.publishable,
    'hidden_things',
    'Named Nowhere',
  ]
  expect(secrets.filter((secret) => first.body.includes(secret))).toEqual([])

  // Other ids make no other series.
  await makeTraffic()
  const second = await server.call('GET', '/metrics')
  expect(parseMetrics(second.body).length).toBe(parseMetrics(first.body).length)
})

test('a node that drowns answers 503 at once and says when to come again, and stays healthy', async () => {
  const drowning = await startTestServer({ BASALT_LIMIT_EVENT_LOOP_DELAY_MS: '500' })
  await sleep(1000)
  const path = '/v1/projects'
  const answers: ReturnType<TestServer['call']>[] = []
  const health: ReturnType<TestServer['call']>[] = []
  for (let round = 0; round < 4; round++) {
    answers.push(drowning.call('GET', path, { as: drowning.operator }))
    health.push(drowning.call('GET', '/healthz'))
    const until = Date.now() + 1300
    while (Date.now() < until);
    await nextTurn()
  }
  const shed = (await Promise.all(answers)).filter(({ status }) => status !== 200)
  expect(shed.length).toBeGreaterThan(0)
  for (const { status, body, headers } of shed) {
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'unavailable' })
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  }
  expect((await Promise.all(health)).map(({ status }) => status)).toEqual([200, 200, 200, 200])

  await sleep(1000)
  expect((await drowning.call('GET', path, { as: drowning.operator })).status).toBe(200)
  await drowning.stop()
})
