import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { basename, join, relative } from 'node:path'
import { type Api, ApiFault, createApi, isServing } from '../api.ts'
import { type Command, shared } from '../command.ts'
import { createDevSecrets, devSecretsFile } from '../dev-secrets.ts'
import { type DevState, devStatePath, readDevState, saveDevState } from '../dev-state.ts'
import {
  configFile,
  defaultEnvironment,
  findToken,
  type Folder,
  requireFolder,
  type Target,
} from '../environments.ts'
import { CliFault, wrongUsage } from '../fault.ts'
import { printNewLogs } from '../function-logs.ts'
import { type FolderConfiguration, FolderFaults, loadFolder } from '../load-folder.ts'
import { makePlan } from '../plan.ts'
import { runServer, type ServerProcess } from '../run-server.ts'
import { showPlan } from '../show-plan.ts'
import { paint, print } from '../terminal.ts'
import { watchFolder } from '../watch-folder.ts'
import { applyPlan } from './deploy.ts'

export const dev: Command = {
  usage: 'dev [options]',
  summary: 'run a server for this folder, and deploy on every save',
  about: `Starts a server on this machine with its data in .basalt, or uses the one that runs there already; makes the
project if it isn't there; deploys whenever a file is saved; and shows what functions write. Their secrets are what
.env.local says. Collections that go are not deleted. Ctrl-C stops it, and the server that it has started.`,
  options: { env: shared.env.option, inspect: { type: 'string' } },
  optionHelp: {
    env: shared.env.help,
    inspect: 'let debuggers into the functions, at this address of this machine (127.0.0.1:9229)',
  },
  impliedValues: { inspect: '127.0.0.1:9229' },
  maxPositionals: 0,
  async run(args) {
    const folder = await requireFolder(process.cwd())
    const name = args.text('env') ?? defaultEnvironment
    const { url, project } = localEnvironment(folder, name)
    const stopped = stopSignal()
    const known = await readDevState(folder.path)
    const state: DevState = known?.url === url ? { ...known, project } : newState(url, project)
    const inspect = args.text('inspect')
    const server = await findServer(folder, state, inspect)
    try {
      const api = await signIn(folder, state)
      await ensureProject(api, state, basename(folder.path))
      await saveDevState(folder.path, state)
      describe(folder, state, inspect)
      const target: Target = { name, url, project, api }
      const setSecrets = createDevSecrets(folder.path, target)
      const watching = watchFolder(folder.path, [devSecretsFile], async () =>
        watching.include(await deployNow(folder, target, setSecrets)),
      )
      const over = new AbortController()
      const logs = printNewLogs(target, over.signal)
      try {
        await watching.now()
        await Promise.race([stopped, watching.failed, logs, ...(server === undefined ? [] : [server.ended])])
      } finally {
        over.abort()
        await watching.stop()
        await logs
      }
      return 0
    } finally {
      if (server !== undefined) await server.stop()
    }
  },
}

/** Deploying on every save is for a project that nobody else relies on. */
function localEnvironment(folder: Folder, name: string): { url: string; project: string } {
  const { url, project } = folder.environments[name] ?? {}
  if (url === undefined) throw wrongUsage(`${configFile} has no environment ${name}.`)
  if (project === undefined)
    throw new CliFault(`${configFile}: environments.${name}.project is missing: choose a ref.`)
  if (!/^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(url).hostname)) {
    throw new CliFault(
      `${name} is at ${url}, and \`basalt dev\` is for servers on this machine. Use \`basalt deploy\`.`,
    )
  }
  return { url, project }
}

function newState(url: string, project: string): DevState {
  return { url, project, email: 'dev@example.com', password: randomBytes(18).toString('base64url') }
}

/** Undefined if one runs there already. */
async function findServer(
  { path }: Folder,
  state: DevState,
  inspect: string | undefined,
): Promise<ServerProcess | undefined> {
  if (await isServing(state.url)) {
    if (inspect === undefined) return undefined
    throw new CliFault(
      `A server runs at ${state.url} already, and --inspect is for one that \`basalt dev\` starts.`,
    )
  }
  // Before the first start: whoever is interrupted then must know the password that the operator was made with.
  await saveDevState(path, state)
  print(`Starting the server at ${state.url} …`)
  const dataDir = process.env['BASALT_DATA_DIR'] ?? join(path, '.basalt')
  const { email, password } = state
  return runServer({ url: state.url, dataDir, operator: { email, password }, inspect })
}

/** With what is known of the folder's own server; with what `basalt login` keeps where another operator runs it. */
async function signIn({ path }: Folder, state: DevState): Promise<Api> {
  const { url, email, password } = state
  for (const token of [state.token, await findToken(url, undefined)]) {
    if (token !== undefined && (await isOperator(createApi(url, token)))) return createApi(url, token)
  }
  try {
    const body = { email, password }
    const { token } = await createApi(url, undefined).call<{ token: string }>(
      'POST',
      '/v1/operators/sign-in',
      { body },
    )
    state.token = token
    return createApi(url, token)
  } catch (error) {
    if (!(error instanceof ApiFault) || error.status !== 401) throw error
    throw new CliFault(
      `The server at ${url} does not know the operator of ${relative(process.cwd(), devStatePath(path))}: ${error.message} Sign in as one that it knows: \`basalt login ${url}\`.`,
      { cause: error },
    )
  }
}

async function isOperator(api: Api): Promise<boolean> {
  try {
    await api.call('GET', '/v1/operators/me')
    return true
  } catch (error) {
    if (error instanceof ApiFault && error.status < 500) return false
    throw error
  }
}

async function ensureProject(api: Api, state: DevState, name: string): Promise<void> {
  const path = `/v1/projects/${state.project}`
  try {
    await api.call('GET', path)
  } catch (error) {
    if (!(error instanceof ApiFault) || error.code !== 'not_found') throw error
    const body = { name, ref: state.project }
    const { keys } = await api.call<{ keys: { secret: string } }>('POST', '/v1/projects', { body })
    state.secretKey = keys.secret
  }
  const { keys } = await api.call<{ keys: { kind: string; display: string }[] }>('GET', `${path}/keys`)
  state.publishableKey = keys.find(({ kind }) => kind === 'publishable')?.display
}

function describe(
  { path }: Folder,
  { url, project, publishableKey, secretKey, email }: DevState,
  inspect: string | undefined,
): void {
  const file = relative(process.cwd(), devStatePath(path))
  const line = (name: string, value: string): void => print(`  ${paint('dim', name.padEnd(9))}${value}`)
  print()
  line('server', url)
  line('project', project)
  line('key', publishableKey ?? 'none: the console makes one')
  if (secretKey !== undefined) line('secret', `in ${file}`)
  line('console', `${url}/console  (${email}, the password is in ${file})`)
  if (inspect !== undefined)
    line('inspect', `${inspect}: chrome://inspect shows functions once they were called`)
  print()
}

/** A fault is told, and the next save tries again. Resolves to the files that have a part in it. */
async function deployNow(
  folder: Folder,
  target: Target,
  setSecrets: () => Promise<string[]>,
): Promise<readonly string[]> {
  const time = paint('dim', new Date().toTimeString().slice(0, 8))
  try {
    const secrets = await setSecrets()
    if (secrets.length > 0) print(`${paint('yellow', '~')} secrets ${secrets.join(', ')}`)
    const configuration = await loadFolder(folder.path, target.name)
    const plan = await makePlan(folder.path, configuration, target, { delete: [] })
    showPlan(plan)
    await applyPlan(plan, () => undefined)
    print(`${time} ${paint('green', '✓')} ${plan.changes.length === 0 ? 'nothing to change' : 'deployed'}`)
    return filesOf(configuration)
  } catch (error) {
    if (!(error instanceof CliFault)) throw error
    print(
      `${error.message}\n${time} ${paint('red', '✗')} the project stays as it was; waiting for the next save`,
    )
    return error instanceof FolderFaults
      ? [...error.files, ...error.faults.flatMap(({ file }) => file ?? [])]
      : []
  }
}

/** Packages are not watched: npm changes thousands of files at once. */
function filesOf({ sources, functions }: FolderConfiguration): string[] {
  const places = [...(functions?.places.values() ?? [])]
  return [...sources.keys(), ...places.filter((file) => !/[/\\]node_modules[/\\]/.test(file))]
}

async function stopSignal(): Promise<void> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  await Promise.race(signals.map((signal) => once(process, signal)))
}
