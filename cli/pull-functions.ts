import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ApiFault } from './api.ts'
import type { FunctionUpload } from './collect-functions.ts'
import { configFile, type Target } from './environments.ts'
import { CliFault } from './fault.ts'
import { projectFiles } from './project-files.ts'

/** What has to happen to a folder, so that its functions are those of the project. */
export interface FunctionFiles {
  /** By path in the folder. */
  write: ReadonlyMap<string, string | Buffer>
  /** Functions that the project doesn't have. */
  remove: readonly string[]
  /** Those of `write` that are there now. */
  rewrite: readonly string[]
  /** What npm has to install. */
  packages: readonly string[]
  /** Uploaded from places that are no business of this folder. */
  elsewhere: readonly string[]
}

/** What differs is found by comparing files, so it can be asked of a faulty folder too. @param local the functions that the folder has, as far as it is without fault */
export async function readFunctionFiles(
  target: Target,
  folder: string,
  local: FunctionUpload | undefined,
): Promise<FunctionFiles> {
  const { files, manifest } = await readSources(target)
  const write = new Map<string, string | Buffer>()
  for (const [path, content] of Object.entries(files)) {
    if (!isOwn(path)) continue
    const wanted = typeof content === 'string' ? content : Buffer.from(content.base64, 'base64')
    if (!(await holds(join(folder, path), wanted))) write.set(path, wanted)
  }
  const kept = new Set(Object.values(manifest.entries ?? {}))
  const remove = Object.values(local?.body.manifest.entries ?? {}).filter(
    (path) => !kept.has(path) && files[path] === undefined,
  )
  const there = await Promise.all([...write.keys()].map((path) => isThere(join(folder, path))))
  return {
    write,
    remove,
    rewrite: [...write.keys()].filter((_, at) => there[at]),
    packages: packagesOf(Object.keys(files)),
    elsewhere: Object.keys(files).filter((path) => !isOwn(path) && packageOf(path) === undefined),
  }
}

/** Writes and removes; tells what it did. */
export async function writeFunctionFiles(
  folder: string,
  { write, remove }: FunctionFiles,
): Promise<string[]> {
  for (const [path, content] of write) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  for (const path of remove) await rm(join(folder, path), { force: true })
  return [...[...write.keys()].map((path) => `wrote ${path}`), ...remove.map((path) => `removed ${path}`)]
}

type Sources = Pick<FunctionUpload['body'], 'files'> & { manifest: { entries?: Record<string, string> } }

/** Of the version that runs. */
async function readSources({ api, project }: Target): Promise<Sources> {
  const path = `/v1/projects/${project}/functions`
  const { deploymentId } = await api.call<{ deploymentId: string | null }>('GET', path)
  if (deploymentId === null) return { files: {}, manifest: {} }
  try {
    const sources = await api.call<Partial<Sources>>('GET', `${path}/deployments/${deploymentId}/sources`)
    return { files: sources.files ?? {}, manifest: sources.manifest ?? {} }
  } catch (error) {
    if (!(error instanceof ApiFault) || error.code !== 'not_found') throw error
    throw new CliFault(
      'The version of the functions that runs is from before sources were kept with it. Deploy them once more, from where they are.',
      { cause: error },
    )
  }
}

const configuration: ReadonlySet<string> = new Set([...Object.values(projectFiles), configFile])

/**
 * Whether the file is one that pulling functions writes: inside of the folder whatever the server says, nothing of
 * packages, nothing hidden, and not what says what else the project is.
 */
function isOwn(path: string): boolean {
  return !/^\/|[\\\0:]|(^|\/)(\.|node_modules(\/|$)|$)/.test(path) && !configuration.has(path)
}

function packagesOf(paths: readonly string[]): string[] {
  return [...new Set(paths.map(packageOf).filter((name) => name !== undefined))].sort()
}

/** The one that whoever installs names: the outermost. */
function packageOf(path: string): string | undefined {
  return /(?:^|\/)node_modules\/(?!\.)((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]
}

async function holds(file: string, wanted: string | Buffer): Promise<boolean> {
  const bytes = await readFile(file).catch(() => undefined)
  return bytes?.equals(Buffer.from(wanted)) === true
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
