import { afterAll, beforeAll, expect, test } from 'vitest'
import { startOn, type TestServer } from '../support/server.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let node: TestServer

beforeAll(async () => {
  database = await createTestDatabase()
  node = await startOn(database.url)
})

afterAll(async () => {
  await node.stop()
  await database.drop()
})

test('a node with another master key is refused, and the message says what to do', async () => {
  const other = Buffer.alloc(32, 8).toString('base64')
  await expect(startOn(database.url, { BASALT_MASTER_KEY: other })).rejects.toThrow(/BASALT_MASTER_KEY/)
})

test('a node with the same master key joins', async () => {
  const second = await startOn(database.url)
  await second.stop()
})
