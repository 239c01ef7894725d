import { isBuiltin } from 'node:module'
import { posix } from 'node:path'

/** The uploaded files by path, without a slash in front. */
export type UploadedFiles = ReadonlyMap<string, string | Uint8Array>

/**
 * What imports mean where it was found out already: by importing file, then by what is written there. A command line
 * knows links between packages, paths of a tsconfig and the rest of a developer's machine.
 */
export type Resolutions = Readonly<Record<string, Readonly<Record<string, string>>>>

const extensions = ['', '.ts', '.tsx', '.mts', '.js', '.mjs', '.cjs', '.jsx', '.json', '.cts']
const conditions = ['workerd', 'worker', 'browser', 'import', 'module', 'default', 'require']

/**
 * Which uploaded file an import means, with a slash in front; `node` for a module of Node's own. Undefined: none.
 * Resolves as Node and bundlers do (https://nodejs.org/api/packages.html), among these files only.
 */
export function resolveUpload(
  files: UploadedFiles,
  path: string,
  importer: string,
  resolutions: Resolutions = {},
): string | undefined {
  const said = resolutions[importer.slice(1)]?.[path]
  if (said !== undefined) return files.has(said) ? `/${said}` : undefined
  if (path.startsWith('.') || path.startsWith('/')) {
    return findFile(files, posix.resolve(posix.dirname(importer), path))
  }
  const [, name = '', rest = ''] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(path) ?? []
  for (let folder = posix.dirname(importer); ; folder = posix.dirname(folder)) {
    const found = findInPackage(files, posix.join(folder, 'node_modules', name), `.${rest}`)
    if (found !== undefined) return found
    if (folder === '/') return isBuiltin(path) ? 'node' : undefined
  }
}

function findFile(files: UploadedFiles, path: string): string | undefined {
  const has = (candidate: string): boolean => files.has(candidate.slice(1))
  const direct = extensions.map((extension) => path + extension).find(has)
  if (direct !== undefined) return direct
  // TypeScript's way to name a source by what it will become.
  const source = path.replace(/\.(m?)js$/, '.$1ts')
  if (source !== path && has(source)) return source
  return extensions.map((extension) => posix.join(path, `index${extension}`)).find(has)
}

function findInPackage(files: UploadedFiles, folder: string, rest: string): string | undefined {
  const manifest = readManifest(files, `${folder}/package.json`)
  if (manifest === undefined) return findFile(files, posix.join(folder, rest))
  if (manifest['exports'] !== undefined) {
    const target = matchExports(manifest['exports'], rest)
    return target === undefined ? undefined : findFile(files, posix.join(folder, target))
  }
  if (rest !== '.') return findFile(files, posix.join(folder, rest))
  const mains = [manifest['module'], manifest['main'], './index.js']
  for (const main of mains) {
    const found = typeof main === 'string' ? findFile(files, posix.join(folder, main)) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function readManifest(files: UploadedFiles, path: string): Record<string, unknown> | undefined {
  const content = files.get(path.slice(1))
  if (content === undefined) return undefined
  try {
    const manifest: unknown = JSON.parse(
      typeof content === 'string' ? content : Buffer.from(content).toString(),
    )
    return isObject(manifest) ? manifest : undefined
  } catch {
    return undefined
  }
}

function matchExports(exports: unknown, rest: string): string | undefined {
  const hasPaths = isObject(exports) && Object.keys(exports).some((key) => key.startsWith('.'))
  if (!hasPaths) return rest === '.' ? matchConditions(exports) : undefined
  const exact = exports[rest]
  if (exact !== undefined) return matchConditions(exact)
  for (const [pattern, target] of Object.entries(exports)) {
    const [before = '', after] = pattern.split('*', 2)
    if (after === undefined || !rest.startsWith(before) || !rest.endsWith(after)) continue
    const middle = rest.slice(before.length, rest.length - after.length)
    return matchConditions(target)?.replaceAll('*', middle)
  }
  return undefined
}

function matchConditions(target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (Array.isArray(target)) return target.map(matchConditions).find((found) => found !== undefined)
  if (!isObject(target)) return undefined
  for (const [condition, inner] of Object.entries(target)) {
    const found = conditions.includes(condition) ? matchConditions(inner) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
