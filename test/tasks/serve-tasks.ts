import { expect } from 'vitest'
import type { TaskHandler, TaskRun } from '../../src/tasks/task.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

export interface TaskServer extends TestServer {
  /** What functions of this name do, in all projects. */
  on(name: string, handler: TaskHandler): void
  /** The runs of this name, in the order in which they began. */
  runsOf(name: string): TaskRun[]
}

/** A server whose tasks run in the test's process. */
export async function serveTasks(env: Record<string, string> = {}): Promise<TaskServer> {
  const server = await startTestServer(env)
  return Object.assign(server, handleTasks(server))
}

/** The same for a server that is there already. */
export function handleTasks(server: TestServer): Pick<TaskServer, 'on' | 'runsOf'> {
  const handlers = new Map<string, TaskHandler>()
  const runs: TaskRun[] = []
  server.app.tasks.handle('function', (run) => {
    runs.push(run)
    return handlers.get(run.task.name)?.(run)
  })
  return {
    on: (name, handler) => void handlers.set(name, handler),
    runsOf: (name) => runs.filter(({ task }) => task.name === name),
  }
}

/** Enqueues, and answers the id. */
export async function enqueue(project: TestProject, name: string, more: object = {}): Promise<string> {
  const { status, body } = await project.call('POST', '/tasks', { body: { name, ...more } })
  expect(body).toEqual({ id: expect.any(String) })
  expect(status).toBe(202)
  return body.id
}

export async function taskOf(project: TestProject, id: string) {
  const { status, body } = await project.call('GET', `/tasks/${id}`)
  expect(status).toBe(200)
  return body
}

/** Resolves with the task once it is in this state. */
export async function untilState(project: TestProject, id: string, state: string) {
  await expect.poll(async () => (await taskOf(project, id)).state, { interval: 20 }).toBe(state)
  return taskOf(project, id)
}
