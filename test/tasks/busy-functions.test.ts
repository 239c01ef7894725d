import { afterAll, beforeAll, expect, test } from 'vitest'
import { deploy } from '../support/deploy.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { enqueue, untilState } from './serve-tasks.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer({ BASALT_LIMIT_TASKS_AT_ONCE_BY_PROJECT: '40' })
  project = await server.createProject()
  await deploy(project, {
    slow: `export default task('slow', {}, () => new Promise((resolve) => setTimeout(resolve, 1500, 'done')))`,
  })
}, 60_000)

afterAll(() => server.stop())

test('tasks that find no place among the functions are put off, and lose no attempt by it', async () => {
  const ids = await Promise.all(
    Array.from({ length: 40 }, () => enqueue(project, 'slow', { maxAttempts: 1 })),
  )
  for (const id of ids) {
    expect(await untilState(project, id, 'succeeded')).toMatchObject({ attempt: 1, result: 'done' })
  }
}, 60_000)
