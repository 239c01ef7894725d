import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { isReachable } from '../../src/platform/outbound-addresses.ts'
import { type OutboundInit, outboundFetch } from '../../src/platform/outbound-http.ts'

let canary: Server
let base: string
let seen: { url: string; method: string; body: string; authorization: string | undefined }[]

const open = { outboundAllow: ['127.0.0.0/8'] }
const shut = { outboundAllow: [] }

beforeAll(async () => {
  canary = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const url = new URL(request.url ?? '/', base)
      const { method = '', headers } = request
      seen.push({
        url: url.pathname,
        method,
        body: String(Buffer.concat(chunks)),
        authorization: headers.authorization,
      })
      const to = url.searchParams.get('to')
      if (to !== null)
        response.writeHead(Number(url.searchParams.get('status') ?? 302), { location: to }).end()
      else if (url.pathname === '/silent') response.flushHeaders()
      else if (url.pathname === '/flood') response.end(Buffer.alloc(Number(url.searchParams.get('bytes'))))
      else if (url.pathname === '/nothing') response.writeHead(204).end()
      else response.setHeader('x-kind', 'canary').end('chirp')
    })
  })
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`
})

beforeEach(() => {
  seen = []
})

afterAll(() => {
  canary.closeAllConnections()
  return new Promise((resolve) => canary.close(resolve))
})

const reasonOf = (config: { outboundAllow: string[] }, url: string, init?: OutboundInit) =>
  outboundFetch(config, url, init).then(
    (response) => `answered ${response.status}`,
    (error: { reason?: string }) => error.reason,
  )
const port = () => new URL(base).port

test('the loopback is reached only where it is allowed', async () => {
  expect(await reasonOf(shut, base)).toBe('refused')
  expect(seen).toEqual([])
  const response = await outboundFetch(open, base)
  expect([response.status, response.headers.get('x-kind'), await response.text()]).toEqual([
    200,
    'canary',
    'chirp',
  ])
  expect((await outboundFetch(open, `${base}/nothing`)).status).toBe(204)
})

test('a name and every notation of a private address are refused, and nothing is sent', async () => {
  const hosts = [
    'localhost',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[::127.0.0.1]',
  ]
  for (const host of hosts)
    expect([host, await reasonOf(shut, `http://${host}:${port()}/`)]).toEqual([host, 'refused'])
  expect(seen).toEqual([])
  const allowed = { outboundAllow: ['127.0.0.0/8', '::1/128'] }
  expect((await outboundFetch(allowed, `http://localhost:${port()}/`)).status).toBe(200)
})

test('private, link-local, mapped, translated and own addresses are not reachable; public ones are', () => {
  const refused = [
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.0.1',
    '198.19.0.1',
    '224.0.0.1',
    '255.255.255.255',
    'fe80::1',
    'fe80::1%eth0',
    'fd00:ec2::254',
    'ff02::1',
    '::ffff:10.0.0.1',
    '0:0:0:0:0:ffff:a00:1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::a00:1',
    '2001::1',
    '2001:db8::1',
    'not an address',
    ...Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []),
  ]
  for (const address of refused) expect([address, isReachable(address, [])]).toEqual([address, false])
  const reached = ['1.1.1.1', '172.32.0.1', '::ffff:1.1.1.1', '64:ff9b::1.1.1.1', '2606:4700::1111']
  for (const address of reached) expect([address, isReachable(address, [])]).toEqual([address, true])
  expect(isReachable('10.1.2.3', ['10.1.0.0/16'])).toBe(true)
  expect(isReachable('::ffff:10.1.2.3', ['10.1.0.0/16'])).toBe(true)
  expect(isReachable('10.2.2.3', ['10.1.0.0/16'])).toBe(false)
})

test('a redirect into the private network is refused, and may be looked at instead', async () => {
  expect(await reasonOf(open, `${base}/?to=${encodeURIComponent(`http://10.255.255.1:${port()}/`)}`)).toBe(
    'refused',
  )
  expect(await reasonOf(open, `${base}/?to=${encodeURIComponent(`http://[::1]:${port()}/`)}`)).toBe('refused')
  expect(await reasonOf(open, `${base}/?to=file:///etc/passwd`)).toBe('refused')
  expect((await outboundFetch(open, `${base}/?to=/x`, { redirect: 'manual' })).status).toBe(302)
  expect(await reasonOf(open, `${base}/?to=/x`, { redirect: 'error' })).toBe('refused')
})

test('redirects are followed as browsers do, five at most, without credentials for others', async () => {
  const init = { method: 'POST', body: 'a=1', headers: { authorization: 'Bearer x' } }
  await outboundFetch(open, `${base}/?to=/plain`, init)
  expect(seen.at(-1)).toMatchObject({ url: '/plain', method: 'GET', body: '', authorization: 'Bearer x' })
  await outboundFetch(
    open,
    `${base}/?status=307&to=${encodeURIComponent(`http://127.0.0.2:${port()}/kept`)}`,
    init,
  ).catch(() => undefined)
  await outboundFetch(open, `${base}/?status=307&to=/kept`, init)
  expect(seen.at(-1)).toMatchObject({ url: '/kept', method: 'POST', body: 'a=1' })
  expect(await reasonOf(open, `${base}/?to=${encodeURIComponent('/?to=/again')}`)).toBe('answered 200')
  const chain = (n: number): string => (n === 0 ? '/end' : `/?to=${encodeURIComponent(chain(n - 1))}`)
  expect(await reasonOf(open, base + chain(5))).toBe('answered 200')
  expect(await reasonOf(open, base + chain(6))).toBe('refused')
  const there = { outboundAllow: ['127.0.0.0/8', '::1/128'] }
  await outboundFetch(there, `${base}/?to=${encodeURIComponent(`http://localhost:${port()}/else`)}`, init)
  expect(seen.at(-1)).toMatchObject({ url: '/else', authorization: undefined })
})

test('an answer that is too large or too slow is given up', async () => {
  expect(await reasonOf(open, `${base}/flood?bytes=1000`, { maxBytes: 1000 })).toBe('answered 200')
  expect(await reasonOf(open, `${base}/flood?bytes=1001`, { maxBytes: 1000 })).toBe('too_large')
  expect(await reasonOf(open, `${base}/silent`, { timeoutMs: 100 })).toBe('timeout')
  expect(await reasonOf(open, 'http://127.0.0.1:1/')).toBe('unreachable')
  expect(await reasonOf(open, 'http://user:pass@127.0.0.1/')).not.toMatch('answered')
})
