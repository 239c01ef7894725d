import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject, TestServer } from '../support/server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
export const launcher = join(root, 'cli/basalt.js')

interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

/** A folder of a project, and the command that is run in it, with a home of its own. */
export interface CliFolder {
  path: string
  home: string
  env: NodeJS.ProcessEnv
  run(...args: string[]): Promise<Ran>
  runWith(options: { input?: string; env?: Record<string, string> }, ...args: string[]): Promise<Ran>
  write(file: string, text: string): Promise<void>
  read(file: string): Promise<string>
  remove(): Promise<void>
}

export async function makeFolder(): Promise<CliFolder> {
  const base = await mkdtemp(join(tmpdir(), 'basalt-cli-'))
  const path = join(base, 'shop')
  const home = join(base, 'home')
  await mkdir(join(path, 'node_modules/@basalt'), { recursive: true })
  await mkdir(join(path, 'node_modules/@types'))
  await symlink(join(root, 'client-sdk'), join(path, 'node_modules/@basalt/client'))
  for (const name of ['vitest', '@types/node']) {
    await symlink(join(root, 'node_modules', name), join(path, 'node_modules', name))
  }
  const { PATH } = process.env
  const env: NodeJS.ProcessEnv = { PATH, HOME: home, XDG_CONFIG_HOME: join(home, '.config') }
  const runWith: CliFolder['runWith'] = (options, ...args) =>
    runCommand(path, { ...env, ...options.env }, args, options.input)
  return {
    path,
    home,
    env,
    runWith,
    run: (...args) => runWith({}, ...args),
    async write(file, text) {
      await mkdir(dirname(join(path, file)), { recursive: true })
      await writeFile(join(path, file), text)
    },
    read: (file) => readFile(join(path, file), 'utf8'),
    remove: () => rm(base, { recursive: true, force: true }),
  }
}

/** Says that the folder is this project, and signs in with its secret key. */
export async function linkFolder(folder: CliFolder, server: TestServer, project: TestProject): Promise<void> {
  folder.env['BASALT_TOKEN'] = project.secret
  const environments = { dev: { url: server.url, project: project.ref } }
  await folder.write('basalt.json', JSON.stringify({ environments }))
}

/** Throws what the compiler says about the folder. */
export async function typecheck({ path }: CliFolder): Promise<void> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const child = spawn(process.execPath, [tsc, '-p', path])
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(output)
}

function runCommand(cwd: string, env: NodeJS.ProcessEnv, args: string[], input = ''): Promise<Ran> {
  const child = spawn(process.execPath, [launcher, ...args], { cwd, env })
  const ran: Ran = { code: null, stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (ran.stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (ran.stderr += String(chunk)))
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ ...ran, code }))
  })
}
