import { createClient } from '@basalt/client'
import { build } from 'esbuild'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { serveProject } from '../serve-project.ts'
import { channelRules, schema } from './schema.ts'

/** Serves a shopping list that all who look at it share, until it is interrupted. See README.md beside this file. */
const project = await serveProject()
const { url, project: ref, publishableKey, secretKey } = project

const server = createClient({ url, project: ref, key: secretKey })
await server.applySchema(schema)
await server.channels.put('list', { rules: channelRules })

const page = { project: { url, project: ref, key: publishableKey } }
const html = `<!doctype html>
  <meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Shopping</title>
  <style>body { font: 1.1rem/1.6 system-ui; max-width: 30rem; margin: 3rem auto; padding: 0 1rem }</style>
  <div id="root"></div>
  <script>const page = ${JSON.stringify(page)}</script>
  <script type="module" src="/page.js"></script>`
const script = await bundle()

const pages = createServer((request, response) => {
  const isScript = request.url === '/page.js'
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8')
  response.end(isScript ? script : html)
})
pages.listen(4100, '127.0.0.1', () => console.log('Open http://127.0.0.1:4100 in two windows.'))

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    pages.close()
    pages.closeAllConnections()
    project.stop().catch(console.error)
  })
}

async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.tsx', import.meta.url))],
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    write: false,
  })
  const [file] = outputFiles
  if (file === undefined) throw new Error('The page was not bundled.')
  return file.contents
}
