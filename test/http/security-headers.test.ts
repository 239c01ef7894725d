import { afterEach, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer

afterEach(() => server.stop())

async function headersOf(paths: string[]): Promise<Headers[]> {
  return Promise.all(paths.map(async (path) => (await server.call('GET', path)).headers))
}

test.each(['/docs', '/console'])('%s loads only what comes from here, over http too', async (page) => {
  server = await startTestServer()
  const response = await fetch(server.url + page)
  expect(response.status).toBe(200)
  const policy = response.headers.get('content-security-policy')
  expect(policy).toMatch(/default-src '(self|none)'/)
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toMatch(/unsafe-inline|unsafe-eval|https?:|\*|upgrade-insecure-requests/)

  const html = await response.text()
  expect(html).not.toMatch(/<script>|<style|\son\w+=/)
  const references = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path = '']) => path)
  expect(references.length).toBeGreaterThan(0)
  for (const reference of references.filter((path) => !path.startsWith('data:'))) {
    const url = new URL(reference, server.url + page)
    expect(url.origin).toBe(server.url)
    const asset = await fetch(url)
    expect({ reference, status: asset.status }).toEqual({ reference, status: 200 })
    expect(asset.headers.get('x-content-type-options')).toBe('nosniff')
    // What nobody reads would hold its connection.
    await asset.arrayBuffer()
  }
})

test('the frame that mails are shown in runs nothing, even when it is opened by itself', async () => {
  server = await startTestServer()
  const { headers } = await fetch(`${server.url}/console/mail-frame`)
  const policy = headers.get('content-security-policy')?.split('; ') ?? []
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("frame-ancestors 'self'")
  expect(policy.find((one) => one.startsWith('sandbox'))).toBe('sandbox allow-same-origin')
  expect(policy.filter((one) => one.startsWith('script-src'))).toEqual([])
})

test('HTTPS is insisted on exactly where the public address has it', async () => {
  const paths = ['/healthz', '/nothing', '/v1/projects', '/%ff', '/docs']
  server = await startTestServer()
  for (const headers of await headersOf(paths)) {
    expect(headers.get('strict-transport-security')).toBeNull()
  }
  await server.stop()
  server = await startTestServer({ BASALT_PUBLIC_URL: 'https://api.example.com' })
  for (const headers of await headersOf(paths)) {
    expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/)
  }
})
