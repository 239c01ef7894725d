import { gzipSync } from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { expect, test } from 'vitest'

// Live queries and channels are part of the client, and not loaded when they are first used: a page that went offline
// could not load them then, and service workers can't load at all. So they have to be small.
const limits = {
  'all of it': 15.5 * 1024,
  'without live queries and channels': 10.5 * 1024,
  'the React hooks, beside the client': 1.5 * 1024,
}

test.each([
  ['all of it', 'client.ts', []],
  ['without live queries and channels', 'client.ts', [without(/\/realtime\//)]],
  ['the React hooks, beside the client', 'react/react.ts', []],
] as const)('what an app loads at most: %s', async (what, entry, plugins) => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${entry}`, import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    external: ['react'],
    plugins: [...plugins],
    write: false,
  })
  const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length
  console.log(`@basalt/client, ${what}: ${bytes} bytes gzipped`)
  expect(bytes).toBeLessThanOrEqual(limits[what])
  expect(outputFiles[0]!.text.replaceAll('from"react"', '')).not.toMatch(/require\(|from\s*"|node:/)
})

/** Puts empty stand-ins in the place of modules, to see what they weigh. */
function without(path: RegExp): Plugin {
  const names = ['Channel', 'LiveLists', 'Realtime', 'socketCredentials', 'liveQuery', 'liveDocument']
  return {
    name: 'without',
    setup(bundler) {
      bundler.onLoad({ filter: path }, () => ({ contents: `export let ${names.join(', ')}` }))
    },
  }
}
