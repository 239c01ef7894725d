import { fork } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { collectFunctions, type FunctionUpload } from './collect-functions.ts'
import type { CollectionDefinition } from './definitions.ts'
import { CliFault } from './fault.ts'
import { isRecord } from './private-file.ts'
import { type LoadedModules, type PlacedFault, projectFiles } from './project-files.ts'
import { paint } from './terminal.ts'

/** What a folder says that a project should be. A part that has no file is left alone by whoever deploys. */
export interface FolderConfiguration {
  collections: Map<string, CollectionDefinition> | undefined
  /** Rules by pattern. */
  channels: Map<string, Record<string, string>> | undefined
  settings: { auth: Record<string, unknown>; project: Record<string, unknown> } | undefined
  functions: FunctionUpload | undefined
  /** The text of every file that had a part in it, by path: where faults are looked for. */
  sources: Map<string, string>
}

/** One or more places of a folder are wrong. */
export class FolderFaults extends CliFault {
  readonly faults: readonly PlacedFault[]
  /** What has to change before it can be right. */
  readonly files: readonly string[]

  constructor(folder: string, faults: readonly PlacedFault[], files: readonly string[] = []) {
    const count = faults.length === 1 ? 'One fault' : `${faults.length} faults`
    super(
      [...faults.map((fault) => describeFault(folder, fault)), `${count}; nothing was changed.`].join('\n'),
    )
    this.faults = faults
    this.files = files
  }
}

const loadWithinMs = 20_000

/**
 * Runs the folder's TypeScript and reads what it exports. Node takes the types away by itself (outside of
 * node_modules), so there is no bundler between a fault and its line.
 * Throws `FolderFaults`.
 */
export async function loadFolder(folder: string, environment: string): Promise<FolderConfiguration> {
  const [{ parts, files, faults }, functions] = await Promise.all([
    runModules(folder, environment),
    collectFunctions(folder),
  ])
  const fail = (found: readonly PlacedFault[]): never => {
    throw new FolderFaults(folder, found, files)
  }
  const found = [...faults, ...(functions?.faults ?? [])]
  if (found.length > 0) fail(found)
  const misshapen = (part: keyof typeof projectFiles, message: string): never =>
    fail([{ file: join(folder, projectFiles[part]), message }])

  return {
    collections:
      parts.schema === undefined
        ? undefined
        : readCollections(parts.schema, (message) => misshapen('schema', message)),
    channels:
      parts.channels === undefined
        ? undefined
        : readChannels(parts.channels, (message) => misshapen('channels', message)),
    settings:
      parts.settings === undefined
        ? undefined
        : readSettings(parts.settings, (message) => misshapen('settings', message)),
    functions: functions?.upload,
    sources: new Map(
      await Promise.all(
        files.map(async (file) => [file, await readFile(file, 'utf8').catch(() => '')] as const),
      ),
    ),
  }
}

function runModules(folder: string, environment: string): Promise<LoadedModules> {
  const script = fileURLToPath(new URL(`./load-modules${extname(import.meta.url)}`, import.meta.url))
  const { BASALT_TOKEN: _, ...env } = process.env
  // What the modules print goes where notes go: the standard output is for results.
  const child = fork(script, [folder, environment], {
    cwd: folder,
    env,
    execArgv: [],
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new CliFault(`The files of ${folder} did not load within ${loadWithinMs / 1000} seconds.`))
    }, loadWithinMs)
    child.once('message', (message) => resolve(message as LoadedModules))
    child.once('error', reject)
    child.once('exit', (code) => {
      clearTimeout(timer)
      reject(new CliFault(`The files of ${folder} ended the process that loads them (exit code ${code}).`))
    })
  })
}

type Fail = (message: string) => never

function readCollections(value: unknown, fail: Fail): Map<string, CollectionDefinition> {
  const collections = isRecord(value) ? value['collections'] : undefined
  if (!isRecord(collections)) return fail('schema must come from defineSchema({ collections: … }).')
  return new Map(
    Object.entries(collections).map(([name, entry]) => {
      const definition = isRecord(entry) ? entry['definition'] : undefined
      if (!isRecord(definition)) return fail(`The collection ${name} must come from collection(…).`)
      return [name, definition as unknown as CollectionDefinition]
    }),
  )
}

function readChannels(value: unknown, fail: Fail): Map<string, Record<string, string>> {
  if (!isRecord(value)) return fail('channels must be an object: rules by pattern.')
  return new Map(
    Object.entries(value).map(([pattern, rules]) => {
      if (!isRecord(rules)) return fail(`The rules of ${pattern} must be an object.`)
      return [pattern, rules as Record<string, string>]
    }),
  )
}

function readSettings(value: unknown, fail: Fail): NonNullable<FolderConfiguration['settings']> {
  if (!isRecord(value)) return fail('settings must be an object.')
  const { auth = {}, project = {}, ...rest } = value
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) return fail(`${unknown} is not known here: settings have auth and project.`)
  if (!isRecord(auth) || !isRecord(project)) return fail('auth and project must be objects.')
  return { auth, project }
}

function describeFault(folder: string, { file, line, column, message }: PlacedFault): string {
  if (file === undefined) return message
  const place = [relative(folder, file), line, column].filter((part) => part !== undefined).join(':')
  return `${paint('cyan', place)} ${message}`
}
