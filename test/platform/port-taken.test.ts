import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import pino from 'pino'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { startServer } from '../../src/start-server.ts'
import { createTestDatabase } from '../support/database.ts'

test('a port that is taken is named, with the way out, and nothing stays open', async () => {
  const database = await createTestDatabase()
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const config = readConfig({ DATABASE_URL: database.url, BASALT_PORT: String(port) })
  await expect(startServer(config, pino({ level: 'silent' }))).rejects.toThrow(
    `Port ${port} of 127.0.0.1 is taken by another program. Choose another with BASALT_PORT.`,
  )
  const { rows } = await database.pool.query(
    `SELECT count(*)::integer AS open FROM pg_stat_activity WHERE datname = current_database() AND application_name <> ''`,
  )
  expect(rows).toEqual([{ open: 0 }])
  other.close()
  await database.drop()
})
