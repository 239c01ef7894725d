import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Command, shared } from '../command.ts'
import { findFolder, findToken, type Folder } from '../environments.ts'
import { messageOf } from '../fault.ts'
import { packageRoot } from '../package-root.ts'
import { paint, print, printJson } from '../terminal.ts'

/** As `src/check-host.ts` gives it: the command line has no code in common with the server. */
interface Check {
  name: string
  status: 'ok' | 'warning' | 'fault'
  detail: string
  advice?: string
}

export const doctor: Command = {
  usage: 'doctor',
  summary: 'look whether a server can run here, and whether those of this folder do',
  about: `Looks at runtime, configuration, data folder, disk, PostgreSQL, what protects processes, port and clock, and asks
the servers of the folder's environments whether they are ready. Says what to do about each fault; changes nothing.
Exits with 1 if there is one.`,
  options: { json: shared.json.option },
  optionHelp: { json: shared.json.help },
  maxPositionals: 0,
  async run(args) {
    // The server's own reading of the environment would take these for mistyped.
    const token = process.env['BASALT_TOKEN']
    for (const name of ['BASALT_TOKEN', 'BASALT_URL', 'BASALT_PROJECT', 'BASALT_KEY'])
      delete process.env[name]
    const host = await checkHost()
    if (token !== undefined) process.env['BASALT_TOKEN'] = token
    const folder = await findFolder(process.cwd())
    const checks = [...host, ...(folder === undefined ? [] : await checkEnvironments(folder))]
    if (args.flag('json')) printJson({ checks })
    else show(checks)
    return checks.some(({ status }) => status === 'fault') ? 1 : 0
  },
}

/** The server's part: it knows what a server needs. */
async function checkHost(): Promise<Check[]> {
  const source = join(packageRoot, 'src/check-host.ts')
  const file = existsSync(source) ? source : join(packageRoot, 'dist/check-host.js')
  const module: { checkHost(): Promise<Check[]> } = await import(pathToFileURL(file).href)
  return module.checkHost()
}

function checkEnvironments(folder: Folder): Promise<Check[]> {
  return Promise.all(
    Object.entries(folder.environments).map(async ([name, { url, project }]): Promise<Check> => {
      const at = `${project ?? 'no project yet'} at ${url}`
      try {
        const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) })
        if (!response.ok) {
          const advice =
            'Look at the log of that server: its database may be down, or it has more to do than it can.'
          return { name, status: 'fault', detail: `${at} is not ready (${response.status})`, advice }
        }
        return checkAnswer(name, at, response, (await findToken(url, folder.path)) !== undefined, url)
      } catch (error) {
        const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
        const code = cause instanceof Error && 'code' in cause ? String(cause.code) : messageOf(cause)
        const advice = 'Start it (`basalt dev` or `basalt start`), or correct the address in basalt.json.'
        return { name, status: 'warning', detail: `${at} does not answer (${code})`, advice }
      }
    }),
  )
}

function checkAnswer(name: string, at: string, response: Response, isSignedIn: boolean, url: string): Check {
  const apart = Math.abs(Date.now() - Date.parse(response.headers.get('date') ?? ''))
  if (apart > 30_000) {
    const advice = 'Set the clock of whichever is wrong, and keep it right with NTP.'
    return {
      name,
      status: 'warning',
      detail: `${at}: its clock is ${Math.round(apart / 1000)} s apart from here`,
      advice,
    }
  }
  if (isSignedIn) return { name, status: 'ok', detail: `${at} is ready` }
  const advice = `Sign in: \`basalt login ${url}\`.`
  return { name, status: 'warning', detail: `${at} is ready, but you are not signed in there`, advice }
}

function show(checks: readonly Check[]): void {
  const marks = { ok: paint('green', '✓'), warning: paint('yellow', '!'), fault: paint('red', '✗') }
  const width = Math.max(...checks.map(({ name }) => name.length)) + 2
  for (const { name, status, detail, advice } of checks) {
    print(`${marks[status]} ${name.padEnd(width)}${detail.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`)
    if (advice !== undefined) print(`${' '.repeat(width + 2)}${paint('dim', advice)}`)
  }
  const faults = checks.filter(({ status }) => status === 'fault').length
  print(
    faults === 0
      ? '\nNothing is in the way.'
      : `\n${faults === 1 ? 'One thing is' : `${faults} things are`} in the way.`,
  )
}
