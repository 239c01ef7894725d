import type { BuildFailure, Message, Metafile, Plugin } from 'esbuild'
import { readdir, readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { extname, join, posix, resolve, sep } from 'node:path'
import { CliFault } from './fault.ts'
import { functionsFolder, type PlacedFault } from './project-files.ts'

/** The functions of a folder, as the server takes them. */
export interface FunctionUpload {
  body: {
    files: Record<string, string | { base64: string }>
    manifest: { entries: Record<string, string>; resolutions: Record<string, Record<string, string>> }
  }
  /** Where each uploaded file lies. */
  places: ReadonlyMap<string, string>
}

const sources = /\.(ts|tsx|mts|js|mjs|jsx)$/
/** What the server can bundle. */
const uploaded = /\.(ts|tsx|mts|cts|js|mjs|cjs|jsx|json|txt|sql|html|md|wasm)$/
const notDeployed = /\.(test|spec)\.\w+$/
/** The server has its own, and bundles that. */
const client = /^@basalt\/client(\/|$)/

/**
 * Gathers `functions/` and all that it imports, packages too, wherever they are linked to. What an import means is
 * found out here, by esbuild, and told to the server, which bundles. Undefined where there is no such folder.
 */
export async function collectFunctions(
  folder: string,
): Promise<{ upload?: FunctionUpload; faults: PlacedFault[] } | undefined> {
  const inFolder = await listFolder(folder)
  if (inFolder === undefined) return undefined
  const entries = nameEntries(inFolder)
  const bundled = await bundle(folder, Object.values(entries))
  if (Array.isArray(bundled)) return { faults: bundled }
  const places = new Map<string, string>()
  for (const path of [...inFolder, ...Object.keys(bundled)])
    places.set(uploadPath(path), resolve(folder, path))
  const contents = await Promise.all([...places].map(([path, file]) => readContent(path, file)))
  const body = {
    files: Object.fromEntries(contents),
    manifest: { entries, resolutions: readResolutions(bundled) },
  }
  return { upload: { body, places }, faults: [] }
}

/** With slashes, relative to the project's folder. */
async function listFolder(folder: string): Promise<string[] | undefined> {
  try {
    const found = await readdir(join(folder, functionsFolder), { recursive: true, withFileTypes: true })
    return found
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(resolve(folder).length + 1))
      .map((path) => path.replaceAll(sep, '/'))
      .filter((path) => uploaded.test(path) && !notDeployed.test(path))
      .filter((path) => !/(^|\/)(\.|node_modules\/)/.test(path))
      .sort()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new CliFault(`${join(folder, functionsFolder)} can't be read: ${String(error)}`, { cause: error })
  }
}

/** Those right in the folder, but for declarations and what begins with `_`. */
function nameEntries(files: readonly string[]): Record<string, string> {
  const entries = files
    .filter((path) => posix.dirname(path) === functionsFolder && sources.test(path))
    .map((path) => [posix.basename(path).replace(sources, ''), path] as const)
    .filter(([name]) => !/^_|\.d$/.test(name))
  return Object.fromEntries(entries)
}

/** What the functions consist of, or what is wrong with them. */
async function bundle(folder: string, entryPoints: string[]): Promise<Metafile['inputs'] | PlacedFault[]> {
  if (entryPoints.length === 0) return {}
  // Most commands need none of it.
  const { build } = await import('esbuild')
  try {
    const { metafile } = await build({
      entryPoints,
      absWorkingDir: folder,
      outdir: join(folder, '.basalt/unwritten'),
      bundle: true,
      write: false,
      metafile: true,
      logLevel: 'silent',
      format: 'esm',
      platform: 'neutral',
      // As the server bundles, so that packages are found as they will run.
      mainFields: ['module', 'main'],
      conditions: ['workerd', 'worker', 'browser', 'import', 'module', 'default'],
      loader: { '.wasm': 'empty', '.sql': 'text', '.html': 'text', '.md': 'text' },
      plugins: [leaveToServer],
    })
    return metafile.inputs
  } catch (error) {
    if (!isBuildFailure(error)) throw error
    return error.errors.map((message) => placeMessage(folder, message))
  }
}

/** The client, and the modules of Node that no package stands in for. */
const leaveToServer: Plugin = {
  name: 'leave-to-server',
  setup(esbuild) {
    esbuild.onResolve({ filter: client }, ({ path }) => ({ path, external: true }))
    esbuild.onResolve({ filter: /^[a-z]/ }, async ({ path, pluginData, ...rest }) => {
      if (pluginData === leaveToServer || !isBuiltin(path)) return undefined
      if (path.startsWith('node:')) return { path, external: true }
      const { kind, resolveDir, importer } = rest
      const found = await esbuild.resolve(path, { kind, resolveDir, importer, pluginData: leaveToServer })
      return found.errors.length === 0 ? found : { path, external: true }
    })
  },
}

/** What lies outside of the project's folder (a workspace's packages, say) gets a place of its own in the upload. */
function uploadPath(path: string): string {
  const [up = ''] = /^(\.\.\/)*/.exec(path) ?? []
  return up === '' ? path : `.outside/${up.length / 3}/${path.slice(up.length)}`
}

/** By importing file, what its imports mean where that doesn't follow from their paths. */
function readResolutions(inputs: Metafile['inputs']): Record<string, Record<string, string>> {
  const resolutions: Record<string, Record<string, string>> = {}
  for (const [path, { imports }] of Object.entries(inputs)) {
    const importer = uploadPath(path)
    const said = imports.flatMap(({ path: target, original, external }) =>
      external === true || original === undefined || followsFromPath(importer, original, uploadPath(target))
        ? []
        : [[original, uploadPath(target)] as const],
    )
    if (said.length > 0) resolutions[importer] = Object.fromEntries(said)
  }
  return resolutions
}

function followsFromPath(importer: string, original: string, target: string): boolean {
  return original.startsWith('.') && posix.join(posix.dirname(importer), original) === target
}

async function readContent(
  path: string,
  file: string,
): Promise<[path: string, content: string | { base64: string }]> {
  const bytes = await readFile(file)
  return [path, extname(file) === '.wasm' ? { base64: bytes.toString('base64') } : bytes.toString()]
}

function placeMessage(folder: string, { text, location }: Message): PlacedFault {
  if (location === null) return { message: text }
  const file = resolve(folder, location.file)
  return { message: text, file, line: location.line, column: location.column + 1 }
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}
