/**
 * Does work again and again, `everyMs` after it has ended, or sooner if it answers with fewer milliseconds. The work
 * deals with its own errors. Returns what stops it and waits for what is under way.
 */
export function repeat(everyMs: number, work: () => Promise<number | void>): () => Promise<void> {
  let isStopped = false
  let running: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  async function run(): Promise<void> {
    const soonerMs = await work()
    if (!isStopped) schedule(Math.min(everyMs, Math.max(0, soonerMs ?? everyMs)))
  }

  function schedule(afterMs: number): void {
    timer = setTimeout(() => {
      running = run()
    }, afterMs)
  }

  schedule(0)
  return async () => {
    isStopped = true
    clearTimeout(timer)
    await running
  }
}
