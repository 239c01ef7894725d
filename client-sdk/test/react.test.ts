import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { createElement as h, type ReactNode } from 'react'
import { renderToString } from 'react-dom/server'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createClient, memoryStorage } from '../src/client.ts'
import { useQuery } from '../src/react/react.ts'
import { type LiveServer, liveServer, type ServerSocket } from './live-server.ts'
import { session } from './make-session.ts'
import { appOf, show } from './react-page.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)

const a = { id: 'a', votes: 1 }
const b = { id: 'b', votes: 2 }

test('a server renders what is there before anything is asked, and opens nothing', () => {
  let sockets = 0
  const client = createClient({
    url: 'http://localhost:1',
    project: 'demo',
    key: 'pk_1',
    webSocket: class {
      constructor() {
        sockets += 1
      }
    } as never,
  })
  show({ lists: [1, null], document: 'a', user: true, room: { name: 'room', presence: {} } })
  expect(renderToString(appOf(client)).replaceAll(/<!-- -->/g, '')).toBe(
    '<main data-connection="idle"><ul data-status="loading"></ul><ul data-status="idle"></ul>' +
      '<article data-status="loading">…</article><p data-status="loading">…</p>' +
      '<section data-status="left"></section></main>',
  )
  show({})
  expect(sockets).toBe(0)
})

test('a hook without a provider says what is missing', () => {
  const Lost = (): ReactNode => useQuery('posts').status
  expect(() => renderToString(h(Lost))).toThrow('There is no BasaltProvider around this component')
})

// In strict mode, and in React's development build: effects run twice, and warnings are faults.
describe.skipIf(executablePath === undefined)(
  'the hooks in Chromium (skipped where none is installed)',
  () => {
    let browser: Browser
    let script: string
    let server: LiveServer
    let page: Page
    let complaints: string[]

    beforeAll(async () => {
      script = await bundle()
      browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
    })

    afterAll(() => browser?.close())

    beforeEach(async () => {
      server = await liveServer((request, response) => {
        if (request.url?.endsWith('/sign-in')) return void response.end(JSON.stringify(session()))
        if (request.url !== '/') return void response.writeHead(204).end()
        const options = JSON.stringify({ url: server.url, project: 'demo', key: 'pk_1' })
        const html = renderToString(appOf(clientOfServer()))
        response.setHeader('content-type', 'text/html; charset=utf-8')
        response.end(
          `<!doctype html><div id="root">${html}</div><script>var options = ${options}</script><script>${script}</script>`,
        )
      })
      complaints = []
      page = await browser.newPage()
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(String(error)))
    })

    afterEach(async () => {
      show({})
      await page.close()
      await server.close()
      expect(complaints).toEqual([])
    })

    test('a list loads, changes and reconnects; rows that did not change are not rendered again', async () => {
      await start({ lists: [1] })
      const socket = await server.socket(0)
      const id = await socket.idOf('subscribe')
      expect(await html('ul')).toBe('<ul data-status="loading"></ul>')
      socket.say({ type: 'snapshot', id, documents: [a, b], cursor: 'c1' })
      await shows('ul', '<ul data-status="live"><li>a 1</li><li>b 2</li></ul>')
      const before = await rendersOf()
      socket.say({
        type: 'change',
        id,
        changes: [{ kind: 'changed', document: { id: 'b', votes: 3 }, index: 1 }],
        cursor: 'c2',
      })
      await shows('ul', '<ul data-status="live"><li>a 1</li><li>b 3</li></ul>')
      socket.close(1001)
      const next = await server.socket(1)
      await shows('ul', '<ul data-status="reconnecting"><li>a 1</li><li>b 3</li></ul>')
      const again = await next.idOf('subscribe')
      expect(next.sent.at(-1)).toMatchObject({ cursor: 'c2' })
      next.say({ type: 'snapshot', id: again, documents: [a, { id: 'b', votes: 3 }], cursor: 'c2' })
      await shows('ul', '<ul data-status="live"><li>a 1</li><li>b 3</li></ul>')
      const after = await rendersOf()
      expect(after['a']).toBe(before['a'])
      expect(after['b']).toBeGreaterThan(before['b']!)
    })

    test('strict mode, and rendering again, ask only once; equal queries share it', async () => {
      await start({ lists: [1, 1] })
      const socket = await server.socket(0)
      const id = await socket.idOf('subscribe')
      socket.say({ type: 'snapshot', id, documents: [a], cursor: 'c1' })
      await shows('main', /(<ul data-status="live"><li>a 1<\/li><\/ul>){2}/)
      for (let n = 0; n < 5; n++) await showView({ lists: [1, 1], user: n % 2 === 0 })
      await showView({ lists: [1, 1, 1] })
      await shows('main', /(<ul data-status="live"><li>a 1<\/li><\/ul>){3}/)
      expect(server.sockets).toHaveLength(1)
      expect(socket.sent.map(({ type }) => type)).toEqual(['subscribe'])
    })

    test('another query is asked for, and the old one left', async () => {
      await start({ lists: [1] })
      const socket = await server.socket(0)
      const first = await socket.idOf('subscribe')
      socket.say({ type: 'snapshot', id: first, documents: [a], cursor: 'c1' })
      await shows('ul', /live/)
      await showView({ lists: [2] })
      const second = await socket.idOf('subscribe', 2)
      await shows('ul', '<ul data-status="loading"></ul>')
      socket.say({ type: 'snapshot', id: first, documents: [a], cursor: 'c1' })
      socket.say({ type: 'snapshot', id: second, documents: [b], cursor: 'c1' })
      await shows('ul', '<ul data-status="live"><li>b 2</li></ul>')
      expect(socket.sentOf('unsubscribe')).toEqual([{ type: 'unsubscribe', id: first }])
      await showView({ lists: [null] })
      await shows('ul', '<ul data-status="idle"></ul>')
      await expect.poll(() => socket.sentOf('unsubscribe').length).toBe(2)
    })

    test('a component that goes and one that comes in its place keep the subscription', async () => {
      await start({ lists: [1] })
      const socket = await server.socket(0)
      const id = await socket.idOf('subscribe')
      socket.say({ type: 'snapshot', id, documents: [a], cursor: 'c1' })
      await shows('ul', /live/)
      await showView({ lists: [null, 1] })
      await shows('main', /<ul data-status="idle"><\/ul><ul data-status="live"><li>a 1<\/li><\/ul>/)
      expect(socket.sent.map(({ type }) => type)).toEqual(['subscribe'])
    })

    test('a refused query fails, and nothing is thrown', async () => {
      await start({ lists: [1] })
      const socket = await server.socket(0)
      socket.say({ type: 'error', id: await socket.idOf('subscribe'), code: 'forbidden', detail: 'No.' })
      await shows('ul', '<ul data-status="failed"></ul>')
    })

    test('a document comes, and goes', async () => {
      await start({ document: 'a' })
      const socket = await server.socket(0)
      const id = await socket.idOf('subscribe')
      socket.say({ type: 'snapshot', id, documents: [], cursor: 'c1' })
      await shows('article', '<article data-status="live">null</article>')
      socket.say({ type: 'change', id, changes: [{ kind: 'added', document: a, index: 0 }], cursor: 'c2' })
      await shows('article', '<article data-status="live">{"id":"a","votes":1}</article>')
      await showView({ document: null })
      await shows('article', '<article data-status="idle">…</article>')
    })

    test('the user, from loading to signed out', async () => {
      await start({ user: true })
      await shows('p', '<p data-status="signedOut">nobody</p>')
      await page.evaluate(`app.client.auth.signInWithPassword({ email: 'ada@example.com', password: 'x' })`)
      await shows('p', '<p data-status="signedIn">ada@example.com</p>')
      await page.evaluate('app.client.auth.signOut()')
      await shows('p', '<p data-status="signedOut">nobody</p>')
    })

    test('a channel is joined once, shows its members, hears and speaks, and is left', async () => {
      const room = { name: 'room:1', presence: { name: 'Ada' } }
      await start({ room: { ...room, word: 'old' } })
      const socket = await server.socket(0)
      const id = await socket.idOf('join')
      expect(socket.sent).toMatchObject([{ type: 'join', channel: 'room:1', presence: { name: 'Ada' } }])
      tell(socket, id, 'state', [{ id: 'm1', uid: null, presence: { name: 'Ada' } }])
      tell(socket, id, 'join', [{ id: 'm2', uid: 'u2', presence: { name: 'Bob' } }])
      await shows('section', '<section data-status="joined">m1,m2</section>')
      await showView({ room: { ...room, word: 'new' } })
      socket.say({ type: 'broadcast', id, channel: 'room:1', event: 'said', payload: 'hi', uid: 'u2' })
      await expect.poll(() => page.evaluate('app.heard')).toEqual([['hi', 'u2', 'new']])
      expect(await page.evaluate(`app.say('hello')`)).toBe(true)
      await expect.poll(() => socket.sent.at(-1)).toMatchObject({ type: 'broadcast', payload: 'hello' })
      await showView({ room: { name: 'room:1', presence: { name: 'Countess' } } })
      await expect
        .poll(() => socket.sent.at(-1))
        .toMatchObject({ type: 'presence', presence: { name: 'Countess' } })
      await showView({ room: { name: 'room:2' } })
      await socket.idOf('join', 2)
      expect(socket.sentOf('unsubscribe')).toEqual([{ type: 'unsubscribe', id }])
      await showView({ room: { name: null } })
      await shows('section', '<section data-status="left"></section>')
    })

    test('a channel that is refused says why', async () => {
      await start({ room: { name: 'room:1' } })
      const socket = await server.socket(0)
      socket.say({ type: 'error', id: await socket.idOf('join'), code: 'forbidden', detail: 'No.' })
      await shows('section', '<section data-status="failed">forbidden</section>')
    })

    test('who only watches a channel shows nothing of themselves', async () => {
      await start({ members: 'room:1' })
      const socket = await server.socket(0)
      const id = await socket.idOf('join')
      expect(socket.sent[0]).not.toHaveProperty('presence')
      tell(socket, id, 'state', [{ id: 'm1', uid: null, presence: {} }])
      await shows('aside', '<aside>1</aside>')
    })

    test('what a server rendered is taken over without a fault', async () => {
      show({ lists: [1], document: 'a', user: true })
      await page.goto(server.url)
      expect(await html('ul')).toBe('<ul data-status="loading"></ul>')
      await page.evaluate(`app.show({ lists: [1], document: 'a', user: true })`)
      await page.evaluate('app.hydrate()')
      const socket = await server.socket(0)
      await socket.idOf('subscribe', 2)
      const { id } = socket.sentOf('subscribe').find((message) => !('document' in message))!
      socket.say({ type: 'snapshot', id, documents: [a], cursor: 'c1' })
      await shows('ul', '<ul data-status="live"><li>a 1</li></ul>')
      await shows('p', /nobody/)
    })

    async function bundle(): Promise<string> {
      const { outputFiles } = await build({
        entryPoints: [fileURLToPath(new URL('react-page.ts', import.meta.url))],
        bundle: true,
        format: 'iife',
        target: 'es2022',
        platform: 'browser',
        define: { 'process.env.NODE_ENV': '"development"' },
        write: false,
      })
      return outputFiles[0]!.text.replaceAll('</script', '<\\/script')
    }

    function clientOfServer() {
      const auth = { storage: memoryStorage() }
      return createClient({ url: server.url, project: 'demo', key: 'pk_1', auth })
    }

    async function start(view: object): Promise<void> {
      await page.goto(server.url)
      await showView(view)
      await page.evaluate('void app.start()')
    }

    const showView = (view: object) => page.evaluate(`app.show(${JSON.stringify(view)})`)
    const html = (selector: string) =>
      page.evaluate(`document.querySelector('${selector}')?.outerHTML ?? ''`) as Promise<string>
    const rendersOf = () => page.evaluate('app.renders') as Promise<Record<string, number>>

    async function shows(selector: string, expected: string | RegExp): Promise<void> {
      const whole = typeof expected === 'string' ? new RegExp(`^${RegExp.escape(expected)}$`) : expected
      await expect.poll(() => html(selector)).toMatch(whole)
    }

    function tell(socket: ServerSocket, id: string, kind: string, members: object[]): void {
      socket.say({ type: 'presence', id, channel: 'room:1', kind, members })
    }
  },
)
