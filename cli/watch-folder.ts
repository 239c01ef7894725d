import { watch } from 'node:fs'
import { basename } from 'node:path'
import { CliFault } from './fault.ts'

// An editor writes a file in several steps, and people save several files at once.
const quietMs = 150

const isOurs = (path: string): boolean =>
  /\.(ts|mts|js|mjs|json)$/.test(path) && !/(^|[/\\])(\.|node_modules[/\\])/.test(path)

interface Watching {
  /** The system doesn't let us, or not any more. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

/**
 * Calls `work` after files of the folder have changed and it has become quiet, never twice at once: what changes
 * meanwhile is seen to by one more call. Resolves `stop()` when the last call is through.
 */
export function watchFolder(folder: string, work: () => Promise<void>): Watching {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let isStale = false

  const run = (): void => {
    isStale = running !== undefined
    if (running !== undefined) return
    running = work().finally(() => {
      running = undefined
      if (isStale) run()
    })
  }
  const ignore = (path: string): boolean => /^(\.|node_modules$)/.test(basename(path))
  const watcher = watch(folder, { recursive: true, ignore }, (_event, file) => {
    if (file === null || !isOurs(file)) return
    clearTimeout(timer)
    timer = setTimeout(run, quietMs)
  })
  const failed = new Promise<never>((_resolve, reject) => {
    watcher.once('error', (error) => {
      reject(new CliFault(`${folder} can't be watched: ${error.message}`, { cause: error }))
    })
  })
  return {
    failed,
    async stop() {
      watcher.close()
      clearTimeout(timer)
      isStale = false
      await running
    },
  }
}
