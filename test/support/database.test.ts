import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase } from './database.ts'
import type { TestDatabase } from './database.ts'

let first: TestDatabase
let second: TestDatabase

beforeAll(async () => {
  first = await createTestDatabase()
  second = await createTestDatabase()
})

afterAll(async () => {
  await first.drop()
  await second.drop()
})

test('each test database is its own', async () => {
  await first.pool.query('CREATE TABLE mine (id integer)')
  const { rows } = await second.pool.query(`SELECT to_regclass('mine') AS found`)
  expect(rows).toEqual([{ found: null }])
})

test('the url leads to the same database as the pool', async () => {
  const client = new pg.Client(first.url)
  await client.connect()
  const byUrl = await client.query('SELECT current_database() AS name')
  await client.end()
  const byPool = await first.pool.query('SELECT current_database() AS name')
  expect(byUrl.rows).toEqual(byPool.rows)
})
