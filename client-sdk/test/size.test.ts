import { gzipSync } from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const mostBytes = 12 * 1024

test('an app that uses everything loads at most 12 KB', async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../src/client.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    write: false,
  })
  const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length
  console.log(`@basalt/client: ${bytes} bytes gzipped`)
  expect(bytes).toBeLessThanOrEqual(mostBytes)
  expect(outputFiles[0]!.text).not.toMatch(/require\(|from\s*"|node:/)
})
