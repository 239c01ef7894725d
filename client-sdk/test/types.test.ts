import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const folder = fileURLToPath(new URL('.', import.meta.url))
const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))

async function compile(project: string): Promise<string> {
  const run = promisify(execFile)(process.execPath, [tsc, '--noEmit', '-p', project])
  return run.then(
    () => '',
    (failure: { stdout: string; stderr: string }) => failure.stdout + failure.stderr,
  )
}

test('the types accept what is right and refuse what is wrong', async () => {
  expect(await compile(folder)).toBe('')
})

test('the examples of the README compile', async () => {
  const readme = await readFile(join(folder, '../README.md'), 'utf8')
  const [examples, components] = ['ts', 'tsx'].map((language) =>
    [...readme.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, code = '']) => code),
  )
  expect(examples!.length).toBeGreaterThan(3)
  expect(components).toHaveLength(1)

  const scratch = await mkdtemp(join(folder, '.readme-'))
  onTestFinished(() => rm(scratch, { recursive: true }))
  await writeFile(join(scratch, 'basalt.ts'), examples!.join('\n'))
  await writeFile(join(scratch, 'app.tsx'), components!.join('\n'))
  const compilerOptions = {
    jsx: 'react-jsx',
    paths: {
      '@basalt/client': ['../../src/client.ts'],
      '@basalt/client/react': ['../../src/react/react.ts'],
    },
  }
  const settings = { extends: '../tsconfig.json', compilerOptions, files: ['app.tsx'], include: [] }
  await writeFile(join(scratch, 'tsconfig.json'), JSON.stringify(settings))
  expect(await compile(scratch)).toBe('')
})
