import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/platform/open-database.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const log = pino({ level: 'silent' })
let given: TestDatabase

beforeAll(async () => {
  given = await createTestDatabase()
})

afterAll(async () => {
  await given.drop()
})

test('DATABASE_URL is used as it is, and is not stopped', async () => {
  const opened = await openDatabase(readConfig({ DATABASE_URL: given.url }), log)
  const pool = new pg.Pool(opened.connection)
  const { rows } = await pool.query<{ name: string }>('SELECT current_database() AS name')
  expect(given.url).toContain(rows[0]!.name)
  await pool.end()
  await opened.stop()
  await expect(given.pool.query('SELECT 1')).resolves.toBeDefined()
})

test('without DATABASE_URL it is the embedded one', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'basalt-open-'))
  const opened = await openDatabase(readConfig({ BASALT_DATA_DIR: dataDir }), log)
  const pool = new pg.Pool(opened.connection)
  const { rows } = await pool.query('SELECT current_database() AS name')
  expect(rows).toEqual([{ name: 'basalt' }])
  await pool.end()
  await opened.stop()
  await rm(dataDir, { recursive: true })
})

test('a database that does not exist is an error at once, without the password', async () => {
  const url = new URL(given.url)
  url.pathname = '/nowhere'
  url.password = 'hunter2'
  const opening = openDatabase(readConfig({ DATABASE_URL: url.href }), log)
  await expect(opening).rejects.toThrow(/nowhere can't be used: database "nowhere" does not exist/)
  await expect(opening).rejects.not.toThrow('hunter2')
})

test('a database that holds no UTF-8 is refused', async () => {
  await given.pool.query(
    `CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0`,
  )
  const url = new URL(given.url)
  url.pathname = '/latin'
  await expect(openDatabase(readConfig({ DATABASE_URL: url.href }), log)).rejects.toThrow('Basalt needs UTF8')
  await given.pool.query('DROP DATABASE latin')
})
