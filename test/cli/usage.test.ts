import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliFolder, makeFolder, typecheck } from './cli-folder.ts'

let folder: CliFolder

beforeAll(async () => {
  folder = await makeFolder()
})
afterAll(() => folder.remove())

test('every command that the overview lists has its help', { timeout: 120_000 }, async () => {
  const overview = await folder.run('--help')
  expect(overview).toMatchObject({ code: 0, stderr: '' })
  const names = [...overview.stdout.matchAll(/^ {2}(\w+( \w+)?) /gm)].map(([, name]) => name!)
  expect(names).toContain('deploy')
  expect(names).toContain('functions logs')
  for (const name of names) {
    const help = await folder.run(...name.split(' '), '--help')
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toContain(`Usage: basalt ${name}`)
    expect(Math.max(...help.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
  }
})

test('a group of commands lists its own', async () => {
  const { code, stdout } = await folder.run('secrets')
  expect(code).toBe(0)
  expect(stdout).toContain('secrets unset')
  expect(stdout).not.toContain('deploy')
  expect(await folder.run('secrets', 'tell')).toMatchObject({ code: 2, stdout: '' })
})

test('without a command the overview is shown', async () => {
  expect(await folder.run()).toEqual(await folder.run('--help'))
})

test('the version is that of the package', async () => {
  expect((await folder.run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test.for([
  [['deplo'], 'basalt deplo is not a command. Did you mean deploy? `basalt --help` lists them.\n'],
  [['deploy', '--chek'], "Unknown option '--chek'. `basalt deploy --help` shows what there is.\n"],
  [['deploy', 'now'], "'now' is one argument too many. `basalt deploy --help` shows what there is.\n"],
  [
    ['deploy', '--env'],
    "Option '-e, --env <value>' argument missing. `basalt deploy --help` shows what there is.\n",
  ],
] as const)('%s is a fault of the command line', async ([args, message]) => {
  expect(await folder.run(...args)).toEqual({ code: 2, stdout: '', stderr: message })
})

test('colours are for terminals only', async () => {
  const { stdout } = await folder.run('--help')
  expect(stdout).not.toContain('\u001b')
})

test('a folder is made once, and files that are there stay', async () => {
  await folder.write('package.json', '{ "name": "mine" }')
  const made = await folder.run('init')
  expect(made.code).toBe(0)
  expect(made.stdout).toContain('+ schema.ts')
  expect(made.stdout).toContain('package.json was there')
  expect(await folder.read('package.json')).toBe('{ "name": "mine" }')
  const again = await folder.run('init')
  expect(again.code).toBe(1)
  expect(again.stderr).toContain('is a folder of Basalt already')
})

test('what init writes is TypeScript that checks', async () => {
  const fresh = await makeFolder()
  await fresh.run('init')
  await typecheck(fresh)
  await fresh.remove()
})

test('a variable of the command line does not keep the server from starting', async () => {
  const env = { BASALT_TOKEN: 'op_1', BASALT_PORT: 'none' }
  const { code, stderr } = await folder.runWith({ env }, 'start')
  expect(code).toBe(2)
  expect(stderr).toContain('BASALT_PORT')
  expect(stderr).not.toContain('BASALT_TOKEN')
})
