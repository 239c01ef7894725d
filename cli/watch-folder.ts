import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { CliFault } from './fault.ts'
import { functionsFolder } from './project-files.ts'

// An editor writes a file in several steps, and people save several files at once.
const quietMs = 150

interface Watching {
  /** The system doesn't let us, or not any more. */
  readonly failed: Promise<never>
  /** Files that count from now on too, wherever they lie. Those of the folder do by themselves. */
  include(files: readonly string[]): void
  /** Calls `work` without waiting for a change. Resolves when it is through. */
  now(): Promise<void>
  stop(): Promise<void>
}

/**
 * Calls `work` after files of the folder have changed and it has become quiet, never twice at once: what changes
 * meanwhile is seen to by one more call. Resolves `stop()` when the last call is through.
 * @param files of other kinds than code that count too, relative to the folder
 */
export function watchFolder(folder: string, files: readonly string[], work: () => Promise<void>): Watching {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let isStale = false
  const included = new Set(files.map((file) => join(folder, file)))
  const outside = new Map<string, FSWatcher>()

  const run = (): Promise<void> => {
    isStale = running !== undefined
    running ??= work().finally(() => {
      running = undefined
      if (isStale) void run()
    })
    return running
  }
  const touched = (path: string): void => {
    if (!included.has(path) && !isOurs(folder, path)) return
    clearTimeout(timer)
    timer = setTimeout(() => void run(), quietMs)
  }
  const ignore = (path: string): boolean => basename(path) === 'node_modules' || basename(path) === '.basalt'
  const watcher = watch(folder, { recursive: true, ignore }, (_event, file) => {
    if (file !== null) touched(join(folder, file))
  })
  const failed = new Promise<never>((_resolve, reject) => {
    watcher.once('error', (error) => {
      reject(new CliFault(`${folder} can't be watched: ${error.message}`, { cause: error }))
    })
  })
  return {
    failed,
    now: () => run(),
    include(files) {
      for (const file of files) {
        included.add(file)
        const parent = dirname(file)
        if (`${parent}${sep}`.startsWith(`${resolve(folder)}${sep}`) || outside.has(parent)) continue
        // Its folder rather than the file itself: editors write a new file in the place of the old one.
        const own = watch(parent, (_event, name) => {
          if (name !== null && included.has(join(parent, name))) touched(join(parent, name))
        })
        // It may go while we watch. What is missing then is told by the next deployment.
        own.once('error', () => outside.delete(parent))
        outside.set(parent, own)
      }
    },
    async stop() {
      watcher.close()
      for (const each of outside.values()) each.close()
      clearTimeout(timer)
      isStale = false
      await running
    },
  }
}

/** Code anywhere in the folder, and whatever lies in `functions/`. */
function isOurs(folder: string, file: string): boolean {
  const path = file.slice(resolve(folder).length + 1).replaceAll(sep, '/')
  if (/(^|\/)(\.|node_modules\/)/.test(path)) return false
  return /\.(ts|mts|js|mjs|json)$/.test(path) || path.startsWith(`${functionsFolder}/`)
}
