import { once } from 'node:events'
import { kill } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

const tries = 50
const betweenTriesMs = 100

/**
 * Lets a Node process collect its garbage, through its inspector, which SIGUSR1 opens at the port of `--inspect-port`
 * (https://chromedevtools.github.io/devtools-protocol/v8/HeapProfiler/). What waits to be collected is as much as the
 * heap may still grow, and says nothing of what is held.
 */
export async function collectGarbage(pid: number, inspectPort: number): Promise<void> {
  kill(pid, 'SIGUSR1')
  const socket = new WebSocket(await findTarget(inspectPort))
  await once(socket, 'open')
  const answered = once(socket, 'message')
  socket.send(JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' }))
  await answered
  socket.close()
}

async function findTarget(port: number): Promise<string> {
  for (let left = tries; left > 0; left -= 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`).catch(() => undefined)
    const [target] = answer === undefined ? [] : ((await answer.json()) as { webSocketDebuggerUrl: string }[])
    if (target !== undefined) return target.webSocketDebuggerUrl
    await sleep(betweenTriesMs)
  }
  throw new Error(`No inspector answers at port ${port}.`)
}
