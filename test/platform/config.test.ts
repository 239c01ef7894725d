import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { ConfigError } from '../../src/environment.ts'

function faultsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

test('without a single variable it is a server on this machine only, with the limits of the documentation', () => {
  const config = readConfig({})
  expect(config).toMatchObject({
    host: '127.0.0.1',
    port: 4000,
    dataDir: resolve('.basalt'),
    publicUrl: 'http://127.0.0.1:4000',
    rateLimits: true,
    limits: { bodyBytes: 1_048_576, pageDefault: 50, pageMax: 500, statementMs: 5000 },
  })
  expect(config.databaseUrl).toBeUndefined()
  expect(config.operator).toBeUndefined()
})

test('every fault is listed at once', () => {
  const faults = faultsOf({
    BASALT_PORT: '65536',
    BASALT_PUBLIC_URL: 'api.example.com',
    BASALT_TRUSTED_PROXIES: '10.0.0.0/8, 10.0.0.0/33',
    BASALT_LOG_LEVEL: 'loud',
    BASALT_RATE_LIMITS: 'no',
    BASALT_MASTER_KEY: 'short',
    BASALT_OPERATOR_EMAIL: 'ada@example.com',
    BASALT_LIMIT_PAGE_MAX: '0',
    DATABASE_URL: 'mysql://localhost/db',
  })
  expect(faults.map((fault) => fault.split(/[ :]/)[0]).toSorted((a, b) => (a! < b! ? -1 : 1))).toEqual([
    'BASALT_LIMIT_PAGE_MAX',
    'BASALT_LOG_LEVEL',
    'BASALT_MASTER_KEY',
    'BASALT_OPERATOR_EMAIL',
    'BASALT_PORT',
    'BASALT_PUBLIC_URL',
    'BASALT_RATE_LIMITS',
    'BASALT_TRUSTED_PROXIES',
    'DATABASE_URL',
  ])
})

test('a misspelt variable is named together with the one that was meant', () => {
  expect(faultsOf({ BASALT_PROT: '80' })).toEqual([
    'BASALT_PROT is not a known variable; did you mean BASALT_PORT?',
  ])
})

test('a fault never repeats a secret', () => {
  const faults = faultsOf({
    DATABASE_URL: 'mysql://user:hunter2@localhost/db',
    BASALT_MASTER_KEY: 'hunter2',
    BASALT_OPERATOR_PASSWORD: 'hunter2',
  })
  expect(faults).toHaveLength(3)
  expect(faults.join(' ')).not.toContain('hunter2')
})

test('debuggers get into functions of a server that is for this machine alone, and only if it is told so', () => {
  expect(readConfig({}).inspect).toBeUndefined()
  expect(readConfig({ BASALT_INSPECT: '127.0.0.1:9229' }).inspect).toEqual({ host: '127.0.0.1', port: 9229 })
  for (const address of ['9229', '0.0.0.0:9229', '192.168.1.2:9229', '[::]:9229', '127.0.0.1:70000']) {
    expect(faultsOf({ BASALT_INSPECT: address })[0]).toMatch(
      /^BASALT_INSPECT must be an address of this machine alone/,
    )
  }
  expect(faultsOf({ BASALT_INSPECT: '127.0.0.1:9229', BASALT_HOST: '0.0.0.0' })).toEqual([
    'BASALT_INSPECT is for development: BASALT_HOST must be 127.0.0.1 with it.',
  ])
})

test('an empty variable counts as unset', () => {
  expect(readConfig({ DATABASE_URL: '', BASALT_PORT: ' ' })).toMatchObject({
    databaseUrl: undefined,
    port: 4000,
  })
})

test('numbers are whole, in range and decimal', () => {
  for (const port of ['-1', '1.5', '1e3', '0x10', '65536', 'NaN'])
    expect(faultsOf({ BASALT_PORT: port })).toHaveLength(1)
  for (const port of ['0', '65535']) expect(faultsOf({ BASALT_PORT: port })).toEqual([])
})

test('the public address loses its slash at the end, and one that listens everywhere can still be linked to', () => {
  expect(readConfig({ BASALT_PUBLIC_URL: 'https://api.example.com/' }).publicUrl).toBe(
    'https://api.example.com',
  )
  expect(readConfig({ BASALT_HOST: '0.0.0.0', BASALT_PORT: '80' }).publicUrl).toBe('http://localhost:80')
  expect(readConfig({ BASALT_HOST: '::1' }).publicUrl).toBe('http://[::1]:4000')
})

test('the page that is given without asking may not be larger than the largest', () => {
  expect(faultsOf({ BASALT_LIMIT_PAGE_MAX: '49' })).toEqual([
    'BASALT_LIMIT_PAGE_DEFAULT must not be above BASALT_LIMIT_PAGE_MAX.',
  ])
  expect(faultsOf({ BASALT_LIMIT_PAGE_MAX: '50' })).toEqual([])
})

test('mails need a server and a sender, and the password in the address of the server is never repeated', () => {
  const url = 'smtps://user:hunter2@mail.example.com'
  expect(faultsOf({ BASALT_SMTP_URL: url })).toEqual(['BASALT_MAIL_FROM must be set with BASALT_SMTP_URL.'])
  expect(
    faultsOf({ BASALT_SMTP_URL: url, BASALT_MAIL_FROM: 'a@b.example\r\nBcc: c@d.example' }),
  ).toHaveLength(1)
  const faults = faultsOf({ BASALT_SMTP_URL: url.replace('smtps', 'ftp'), BASALT_MAIL_FROM: 'a@b.example' })
  expect(faults).toHaveLength(1)
  expect(faults.join(' ')).not.toContain('hunter2')
  const from = 'Basalt <no-reply@example.com>'
  expect(readConfig({ BASALT_SMTP_URL: url, BASALT_MAIL_FROM: from }).smtp).toEqual({ url, from })
  expect(readConfig({}).smtp).toBeUndefined()
})
