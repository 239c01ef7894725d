import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Basalt, createClient, type UntypedSchema } from '../../client-sdk/src/client.ts'
import { operator, type ServerProcess, spawnServer, untilReady } from '../faults/server-process.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)

/** An app as its makers would write it, but for JSX. It notes every list that it showed. */
const source = `
  import { createElement as h } from 'react'
  import { createRoot } from 'react-dom/client'
  import { createClient } from './client.ts'
  import { BasaltProvider, usePresence, useQuery } from './react/react.ts'

  const client = createClient(options)
  globalThis.shown = []

  function Posts() {
    const { status, documents = [] } = useQuery('posts', { where: { open: true }, sort: ['-votes'], limit: 3 })
    const { members } = usePresence('room', { name: 'Page' })
    const text = documents.map(({ title }) => title).join()
    if (shown.at(-1) !== text) shown.push(text)
    return h('main', null, h('h1', null, status), h('p', null, text), h('small', null, members.length))
  }

  createRoot(document.querySelector('#root')).render(h(BasaltProvider, { client }, h(Posts)))`

describe.skipIf(executablePath === undefined)(
  'a live page in Chromium (skipped where none is installed)',
  () => {
    let database: TestDatabase
    let port: number
    let server: ServerProcess
    let pages: Server
    let browser: Browser
    let page: Page
    let backend: Basalt<UntypedSchema>
    const complaints: string[] = []

    beforeAll(async () => {
      database = await createTestDatabase()
      port = await freePort()
      await start()
      const project = await createProject()
      backend = createClient({ url: server.url, project: project.ref, key: project.secret, retries: 10 })
      await backend.collections.put('posts', { rules: { list: 'true' } })
      await backend.channels.put('room', { rules: { join: 'true', presence: 'true' } })
      pages = await servePage({ url: server.url, project: project.ref, key: project.publishable })
      browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
      page = await browser.newPage()
      page.on('pageerror', (error) => complaints.push(String(error)))
    })

    afterAll(async () => {
      await browser?.close()
      await new Promise((resolve) => pages.close(resolve))
      server.child.kill('SIGTERM')
      await server.exited
      await database.drop()
    })

    test.each(['SIGTERM', 'SIGKILL'] as const)(
      'shows its list through a server that ends by %s and starts again, and never an empty one',
      async (signal) => {
        await backend.transaction((tx) => [
          tx.create('posts', { id: `${signal}-1`, title: 'one', votes: 1, open: true }),
          tx.create('posts', { id: `${signal}-2`, title: 'two', votes: 2, open: true }),
        ])
        await page.goto(`http://localhost:${(pages.address() as AddressInfo).port}/`)
        await shows('live', 'two,one', '1')

        server.child.kill(signal)
        await server.exited
        await shows('reconnecting', 'two,one')
        await start()
        await backend.collection('posts').create({ id: `${signal}-3`, title: 'three', votes: 3, open: true })
        await shows('live', 'three,two,one', '1')
        await backend.collection('posts').create({ id: `${signal}-4`, title: 'four', votes: 4, open: true })
        await shows('live', 'four,three,two')
        await backend.collection('posts').update(`${signal}-4`, { open: false })
        await shows('live', 'three,two,one')

        const shown = (await page.evaluate('shown')) as string[]
        expect(shown).toEqual(['', 'two,one', 'three,two,one', 'four,three,two', 'three,two,one'])
        expect(complaints).toEqual([])
        for (const n of [1, 2, 3, 4]) await backend.collection('posts').delete(`${signal}-${n}`)
      },
      90_000,
    )

    async function start(): Promise<void> {
      server = spawnServer(port, {
        DATABASE_URL: database.url,
        BASALT_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
      })
      await untilReady(server)
    }

    async function createProject(): Promise<{ ref: string; publishable: string; secret: string }> {
      const { token } = await call('/v1/operators/sign-in', operator)
      const { project, keys } = await call('/v1/projects', { name: 'Live' }, String(token))
      return { ...(project as { ref: string }), ...(keys as { publishable: string; secret: string }) }
    }

    async function call(path: string, body: object, token?: string): Promise<Record<string, unknown>> {
      const response = await fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify(body),
      })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as Record<string, unknown>
    }

    async function shows(status: string, list: string, members?: string): Promise<void> {
      const text = (element: string) => page.evaluate(`document.querySelector('${element}')?.textContent`)
      await expect.poll(() => text('p'), { timeout: 30_000 }).toBe(list)
      await expect.poll(() => text('h1'), { timeout: 30_000 }).toBe(status)
      if (members !== undefined) await expect.poll(() => text('small'), { timeout: 30_000 }).toBe(members)
    }
  },
)

async function servePage(options: object): Promise<Server> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL('../../client-sdk/src', import.meta.url)) },
    bundle: true,
    format: 'iife',
    target: 'es2022',
    platform: 'browser',
    define: { 'process.env.NODE_ENV': '"production"' },
    write: false,
  })
  const script = outputFiles[0]!.text.replaceAll('</script', '<\\/script')
  const app = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(
      `<!doctype html><div id="root"></div><script>const options = ${JSON.stringify(options)}</script><script>${script}</script>`,
    )
  })
  await new Promise<void>((resolve) => app.listen(0, 'localhost', resolve))
  return app
}
