// Writes the next migration: `node prisma/diff.ts add_devices` compares prisma/schema.prisma with the
// copy that the last migration left in prisma/migrations/schema.prisma, without a database.
import { mkdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs'
import { SchemaEngine } from '@prisma/schema-engine-wasm'

const name = process.argv[2]
if (name === undefined || !/^[a-z][a-z0-9_]*$/.test(name)) {
  throw new Error('usage: node prisma/diff.ts <name_of_the_migration>')
}
const folder = new URL('./migrations/', import.meta.url)
const wanted = readFileSync(new URL('./schema.prisma', import.meta.url), 'utf8')
const appliedFile = new URL('schema.prisma', folder)
const applied = existsSync(appliedFile) ? readFileSync(appliedFile, 'utf8') : null

// The engine opens a connection before it compares, and then asks nothing of it.
const connection = {
  provider: 'postgres',
  adapterName: 'none',
  queryRaw: () => Promise.resolve({ ok: true, value: { columnNames: [], columnTypes: [], rows: [] } }),
  executeRaw: () => Promise.resolve({ ok: true, value: 0 }),
  executeScript: () => Promise.resolve({ ok: true, value: undefined }),
  getConnectionInfo: () => ({ ok: true, value: { supportsRelationJoins: false, schemaName: 'basalt' } }),
  dispose: () => Promise.resolve({ ok: true, value: undefined }),
  errorRegistry: { consumeError: () => undefined },
}

const engine = await SchemaEngine.new({ datamodels: [['schema.prisma', wanted]] }, () => {}, {
  provider: 'postgres',
  adapterName: 'none',
  connect: () => Promise.resolve({ ok: true, value: connection }),
  connectToShadowDb: () => Promise.resolve({ ok: true, value: connection }),
  errorRegistry: connection.errorRegistry,
})
const { stdout } = await engine.diff({
  from:
    applied === null
      ? { tag: 'empty' }
      : { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: applied }] },
  to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: wanted }] },
  script: true,
  exitCode: null,
  filters: { externalTables: [], externalEnums: [] },
})
const stamp = new Date().toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)
const target = new URL(`${stamp}_${name}/`, folder)
mkdirSync(target, { recursive: true })
writeFileSync(new URL('migration.sql', target), stdout ?? '')
writeFileSync(appliedFile, wanted)
