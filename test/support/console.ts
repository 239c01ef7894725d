import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { startTestServer, type TestServer } from './server.ts'

/** Where systems have Chromium; undefined where none is installed. */
export const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)

/** A server and a browser whose pages are the console. */
export interface TestConsole {
  server: TestServer
  page: Page
  /** What scripts threw, and what the policy of the pages forbade. */
  faults: string[]
  /** A page in a browser of its own, signed in as that operator, at a path of the console. */
  open(path: string, as?: { email: string; password: string }): Promise<Page>
  stop(): Promise<void>
}

const firstOperator = { email: 'ada@example.com', password: 'correct horse battery' }

export async function startConsole(): Promise<TestConsole> {
  const server = await startTestServer()
  const browser: Browser = await chromium.launch({
    executablePath: chromiumPath ?? '',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  const faults: string[] = []
  const open: TestConsole['open'] = async (path, as = firstOperator) => {
    const page = await browser.newPage()
    page.on('pageerror', ({ message }) => faults.push(message))
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) faults.push(message.text())
    })
    await page.goto(server.url + path)
    await page.fill('input[name=email]', as.email)
    await page.fill('input[name=password]', as.password)
    await page.click('button[type=submit]')
    await page.waitForSelector('text=Sign out')
    return page
  }
  return {
    server,
    page: await open('/console'),
    faults,
    open,
    async stop() {
      await browser.close()
      await server.stop()
    },
  }
}
