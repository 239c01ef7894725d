import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { messageOf } from './fault.ts'
import { type LoadedModules, type PlacedFault, projectFiles, projectParts } from './project-files.ts'

// A process of its own, started by load-folder.ts: modules can't be unloaded, and those of a folder are code.
const [folder = '.', environment = ''] = process.argv.slice(2)
const loaded: LoadedModules = { parts: {}, files: [], faults: [] }

// What packages consist of, wherever they lie: a workspace's are not below node_modules.
const ofPackages = new Set<string>()

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    const isBare = !/^(\.{0,2}\/|file:)/.test(specifier)
    if (isBare || ofPackages.has(context.parentURL ?? '')) ofPackages.add(found.url)
    return found
  },
  load(url, context, next) {
    if (url.startsWith('file:') && !ofPackages.has(url)) loaded.files.push(fileURLToPath(url))
    return next(url, context)
  },
})

for (const part of projectParts) {
  const file = join(folder, projectFiles[part])
  if (!existsSync(file)) continue
  try {
    const module: Record<string, unknown> = await import(pathToFileURL(file).href)
    const value = module[part] ?? module['default']
    if (value === undefined) throw new Error(`It must export ${part}.`)
    loaded.parts[part] = typeof value === 'function' ? await value(environment) : value
  } catch (error) {
    loaded.faults.push(placeFault(error, file))
  }
}
process.send?.(loaded, () => process.exit(0))

/** Node tells the place at the top of the stack, as `file:///…:3` with the lines and a `^`, or in its first frame. */
function placeFault(error: unknown, file: string): PlacedFault {
  const message = messageOf(error).trim()
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const [, url, line] = /^(file:\/\/\S+?):(\d+)\n/.exec(stack) ?? []
  if (url !== undefined) {
    const column = (/\n( *)\^/.exec(stack)?.[1]?.length ?? 0) + 1
    return { message, file: fileURLToPath(url), line: Number(line), column }
  }
  for (const [, url = '', line, column] of stack.matchAll(/(file:\/\/[^\s()]+):(\d+):(\d+)/g)) {
    if (ofPackages.has(url) || url === import.meta.url) continue
    return { message, file: fileURLToPath(url), line: Number(line), column: Number(column) }
  }
  return { message, file }
}
