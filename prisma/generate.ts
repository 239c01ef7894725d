// Makes the Prisma client from prisma/schema.prisma (run by `npm ci`).
// Prisma's command line insists on a schema engine although generating needs none; naming any executable
// keeps it from downloading one.
import { spawnSync } from 'node:child_process'

const { status } = spawnSync('prisma', ['generate', '--no-hints'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  shell: process.platform === 'win32',
  env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' },
})
process.exitCode = status ?? 1
