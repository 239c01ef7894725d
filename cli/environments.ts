import { access, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Api, createApi } from './api.ts'
import { readCredentials } from './credentials.ts'
import { readDevState } from './dev-state.ts'
import { CliFault, wrongUsage } from './fault.ts'
import { isRecord, readJson } from './private-file.ts'

/** One project that a folder may be deployed to. */
interface Environment {
  url: string
  /** The project's ref. Undefined until the folder is linked to one. */
  project?: string
}

/** A folder that holds a project's configuration: where `basalt.json` lies. */
export interface Folder {
  path: string
  environments: Record<string, Environment>
}

/** An environment, and somebody who may work on it. */
export interface Target {
  name: string
  url: string
  project: string
  api: Api
}

export const configFile = 'basalt.json'
export const defaultEnvironment = 'dev'
export const projectRef = /^[a-z][a-z0-9]{7,31}$/
export const environmentName = /^[a-z][a-z0-9-]{0,31}$/

/** From the given place upwards, as npm looks for `package.json`. */
export async function findFolder(from: string): Promise<Folder | undefined> {
  for (let path = resolve(from); ; path = dirname(path)) {
    if (await exists(join(path, configFile))) return readFolder(path)
    if (path === dirname(path)) return undefined
  }
}

export async function requireFolder(from: string): Promise<Folder> {
  const folder = await findFolder(from)
  if (folder !== undefined) return folder
  throw new CliFault(
    `There is no ${configFile} here or in a folder above. \`basalt init\` makes a folder, \`cd\` goes to one.`,
  )
}

async function readFolder(path: string): Promise<Folder> {
  const file = join(path, configFile)
  const content = await readJson(file)
  const environments = isRecord(content) ? content['environments'] : undefined
  if (!isRecord(environments)) throw new CliFault(`${file}: environments is missing.`)
  const read = Object.entries(environments).map(([name, value]) => [
    name,
    readEnvironment(`${file}: environments.${name}`, name, value),
  ])
  return { path, environments: Object.fromEntries(read) }
}

function readEnvironment(at: string, name: string, value: unknown): Environment {
  if (!environmentName.test(name)) {
    throw new CliFault(`${at} is no name: use lower-case letters, digits and hyphens.`)
  }
  if (!isRecord(value)) throw new CliFault(`${at} must be an object with url and project.`)
  const { url, project, ...rest } = value
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) throw new CliFault(`${at}.${unknown} is not known here.`)
  if (typeof url !== 'string') throw new CliFault(`${at}.url is missing.`)
  if (project !== undefined && (typeof project !== 'string' || !projectRef.test(project))) {
    throw new CliFault(`${at}.project is not the ref of a project: 8 to 32 lower-case letters and digits.`)
  }
  return { url: readUrl(url, `${at}.url`), ...(project !== undefined && { project }) }
}

/** Without a slash at the end. `at` names the place for the fault. */
export function readUrl(text: string, at: string): string {
  const url = URL.parse(text)
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw new CliFault(`${at} must be an address such as https://basalt.example.com, and is ${text}.`)
  }
  return url.href.replace(/\/+$/, '')
}

export async function saveFolder({ path, environments }: Folder): Promise<void> {
  await writeFile(join(path, configFile), `${JSON.stringify({ environments }, null, 2)}\n`)
}

/** Throws where the folder has no such environment, isn't linked, or nobody is signed in. */
export async function openTarget(folder: Folder, name: string): Promise<Target> {
  const environment = folder.environments[name]
  if (environment === undefined) {
    const known = Object.keys(folder.environments).join(', ') || 'none'
    throw wrongUsage(
      `${configFile} has no environment ${name}. There are: ${known}. \`basalt link\` adds one.`,
    )
  }
  const { url, project } = environment
  if (project === undefined) {
    throw new CliFault(`${name} is not linked to a project yet: \`basalt link --env ${name}\`.`)
  }
  const token = await findToken(url, folder.path)
  if (token === undefined) {
    throw new CliFault(`You are not signed in at ${url}: \`basalt login ${url}\`, or set BASALT_TOKEN.`)
  }
  return { name, url, project, api: createApi(url, token) }
}

/** The environment's for scripts, then the one of this folder's own server, then the one of `basalt login`. */
export async function findToken(url: string, folder: string | undefined): Promise<string | undefined> {
  if (process.env['BASALT_TOKEN']) return process.env['BASALT_TOKEN']
  const dev = folder === undefined ? undefined : await readDevState(folder)
  if (dev?.url === url && dev.token !== undefined) return dev.token
  return (await readCredentials()).get(url)?.token
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
