import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startTestServer } from '../support/server.ts'

test('a server stops, however fast its clients come back', async () => {
  const server = await startTestServer()
  const project = await server.createProject()
  const url = `${server.url.replace('http', 'ws')}/v1/projects/${project.ref}/realtime?key=${project.publishable}`
  let isOver = false
  let handshakes = 0
  async function keepComing(): Promise<void> {
    while (!isOver) {
      await new Promise<void>((resolve) => {
        const socket = new WebSocket(url)
        socket.onopen = () => (handshakes += 1)
        socket.onclose = () => resolve()
        socket.onerror = () => resolve()
      })
      await sleep(1)
    }
  }
  const clients = Array.from({ length: 20 }, keepComing)
  await expect.poll(() => handshakes).toBeGreaterThanOrEqual(20)
  await server.stop()
  isOver = true
  await Promise.all(clients)
})
