import { build, type BuildFailure, type Loader, type Message, type Metafile, type Plugin } from 'esbuild'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import type { Issue } from '../../platform/errors.ts'
import { deploymentInvalid } from '../errors.ts'
import { clientModule } from './client-modules.ts'
import { type Resolutions, resolveUpload, type UploadedFiles } from './resolve-upload.ts'

/** What a deployment is made of once it is bundled. */
export interface Bundle {
  /** Every module by its path: JavaScript, or WebAssembly in base64. */
  modules: Record<string, string | { wasm: string }>
  /** Source maps of the JavaScript modules. */
  maps: Record<string, string>
  /** By function: its entry module, and all modules that it needs. */
  entries: Record<string, { main: string; modules: string[] }>
}

const maxIssues = 20
const loaders: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
  '.json': 'json',
  '.txt': 'text',
  '.sql': 'text',
  '.html': 'text',
  '.md': 'text',
}

/**
 * Bundles the functions of an upload: the names say which file each is. Nothing is read from this server's disk but
 * the client library: every import is resolved among the uploaded files. Throws 422 with file and line.
 * Of each function it also tells the hash of what it consists of, whatever else the upload holds.
 */
export async function bundleFunctions(
  files: UploadedFiles,
  functions: ReadonlyMap<string, string>,
  resolutions: Resolutions = {},
): Promise<{ bundle: Bundle; hashes: ReadonlyMap<string, string> }> {
  const result = await build({
    entryPoints: [...functions].map(([name, file]) => ({ in: `/${file}`, out: `functions/${name}` })),
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'esnext',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser', 'import', 'module', 'default'],
    outdir: '/out',
    absWorkingDir: '/',
    chunkNames: 'chunks/[hash]',
    sourcemap: 'external',
    sourcesContent: false,
    metafile: true,
    write: false,
    logLevel: 'silent',
    logLimit: maxIssues,
    // Otherwise those that lie on the way to the disk's root would be looked for.
    tsconfigRaw: { compilerOptions: { target: 'esnext' } },
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [onlyUploaded(files, resolutions)],
  }).catch((error: unknown) => {
    if (isBuildFailure(error)) throw deploymentInvalid(error.errors.slice(0, maxIssues).map(toIssue))
    throw error
  })

  const bundle: Bundle = { modules: {}, maps: {}, entries: {} }
  for (const { path, text } of result.outputFiles) {
    const name = path.replace(/^\/out\//, '')
    if (name.endsWith('.map')) bundle.maps[name.slice(0, -4)] = text
    else bundle.modules[name] = text
  }
  for (const [name] of functions) {
    const main = `functions/${name}.js`
    bundle.entries[name] = { main, modules: reachable(result.metafile.outputs, main) }
  }
  for (const path of Object.values(bundle.entries).flatMap(({ modules }) => modules)) {
    if (path.endsWith('.wasm')) bundle.modules[path] = { wasm: wasmBase64(files, path) }
  }
  const hashes = new Map(
    [...functions].map(([name, file]) => [name, hashOf(files, result.metafile.inputs, `upload:/${file}`)]),
  )
  return { bundle, hashes }
}

/** Of the uploaded files that a function consists of; not of what a version of this server makes of them. */
function hashOf(files: UploadedFiles, inputs: Metafile['inputs'], entry: string): string {
  const found = new Set<string>()
  const visit = (path: string): void => {
    if (found.has(path)) return
    found.add(path)
    for (const { path: imported } of inputs[path]?.imports ?? []) visit(imported)
  }
  visit(entry)
  const hash = createHash('sha256')
  for (const path of [...found].map((each) => each.replace(/^upload:/, '').slice(1)).sort()) {
    const content = files.get(path)
    if (content === undefined) continue
    hash.update(`${path}\0${createHash('sha256').update(content).digest('hex')}\0`)
  }
  return hash.digest('hex')
}

type Outputs = Readonly<Record<string, { imports: readonly { path: string; external?: boolean }[] }>>

function reachable(outputs: Outputs, main: string): string[] {
  const found = new Set<string>()
  const visit = (path: string): void => {
    if (found.has(path)) return
    found.add(path)
    for (const { path: imported, external } of outputs[`out/${path}`]?.imports ?? []) {
      if (external !== true) visit(imported.replace(/^out\//, ''))
      else if (imported.endsWith('.wasm')) found.add(posix.normalize(imported).replace(/^\/+/, ''))
    }
  }
  visit(main)
  return [...found]
}

function wasmBase64(files: UploadedFiles, path: string): string {
  const content = files.get(path)
  return Buffer.from(content ?? '').toString('base64')
}

/** Takes every import for itself, so that esbuild never looks at the disk. */
function onlyUploaded(files: UploadedFiles, resolutions: Resolutions): Plugin {
  return {
    name: 'only-uploaded',
    setup(esbuild) {
      esbuild.onResolve({ filter: /.*/ }, ({ path, importer, kind, namespace }) => {
        if (kind === 'entry-point') return { path, namespace: 'upload' }
        if (path.startsWith('node:')) return { path, external: true }
        if (/^(cloudflare|workerd):/.test(path)) return fault(`"${path}" is not there for functions`)
        if (namespace === 'client' || path === '@basalt/client' || path.startsWith('@basalt/client/')) {
          return {
            path: clientModule(path, namespace === 'client' ? importer : undefined),
            namespace: 'client',
          }
        }
        const found = resolveUpload(files, path, importer, resolutions)
        if (found === undefined) return fault(`"${path}" is not among the uploaded files`)
        if (found === 'node') return { path: `node:${path}`, external: true }
        return found.endsWith('.wasm')
          ? { path: found, external: true }
          : { path: found, namespace: 'upload' }
      })
      esbuild.onLoad({ filter: /.*/, namespace: 'upload' }, ({ path }) => {
        const contents = files.get(path.slice(1))
        const loader = loaders[posix.extname(path)]
        if (contents === undefined) return fault(`"${path.slice(1)}" is not among the uploaded files`)
        if (loader === undefined) return fault('files of this kind can not be imported')
        return { contents, loader }
      })
      esbuild.onLoad({ filter: /.*/, namespace: 'client' }, async ({ path }) => {
        return { contents: await readFile(path), loader: path.endsWith('.ts') ? 'ts' : 'js' }
      })
    },
  }
}

function fault(text: string): { errors: { text: string }[] } {
  return { errors: [{ text }] }
}

function toIssue({ text, location }: Message): Issue {
  const file = location?.file.replace(/^(upload|client):\/?/, '').replace(/^\//, '')
  const path = location === null ? '' : `${file}:${location.line}:${location.column + 1}`
  return { path, code: 'build_failed', message: text }
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}
