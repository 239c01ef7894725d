import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { createLogger } from '../../src/platform/logging.ts'
import { type RunningServer, startServer } from '../../src/start-server.ts'
import { chromiumPath } from '../support/console.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

describe.skipIf(chromiumPath === undefined)(
  'the console in Chromium (skipped where none is installed)',
  () => {
    let database: TestDatabase
    let server: RunningServer
    let browser: Browser
    let page: Page
    const faults: string[] = []

    beforeAll(async () => {
      database = await createTestDatabase()
      const config = readConfig({
        BASALT_PORT: '0',
        BASALT_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
        BASALT_LIMIT_EVENT_LOOP_DELAY_MS: '60000',
        BASALT_LOG_LEVEL: 'fatal',
        DATABASE_URL: database.url,
      })
      server = await startServer(config, createLogger(config.logLevel))
      browser = await chromium.launch({
        executablePath: chromiumPath ?? '',
        args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
      })
      page = await browser.newPage()
      page.on('pageerror', (error) => faults.push(error.message))
    })

    afterAll(async () => {
      await browser.close()
      await server.stop()
      await database.drop()
    })

    const fill = (name: string, value: string) => page.fill(`input[name=${name}]`, value)

    test('the link of the first start makes the first operator, who owns the first project', async () => {
      const link = new URL(server.firstStart.setupLink ?? '')
      await page.goto(`${server.address}${link.pathname}${link.hash}`)
      await fill('name', 'Ada')
      await fill('email', 'ada@example.com')
      await fill('password', 'correct horse battery')
      await page.click('button[type=submit]')
      await page.waitForSelector('text=My first project')
    })

    test('a new project shows its secret key once', async () => {
      await fill('name', 'Shop')
      await page.click('button[type=submit]')
      const secret = await page.locator('[role=status] code').innerText()
      expect(secret).toMatch(/^sk_/)
      await page.reload()
      await page.waitForSelector('text=Collections')
      expect(await page.content()).not.toContain(secret)
    })

    test('signing out leads to the sign-in, which says what is wrong and lets the right password in', async () => {
      await page.click('text=Sign out')
      await fill('email', 'ada@example.com')
      await fill('password', 'something else')
      await page.click('button[type=submit]')
      await page.waitForSelector('[role=alert]:not([hidden])')
      await fill('password', 'correct horse battery')
      await page.click('button[type=submit]')
      await page.waitForSelector('text=My first project')
      expect(faults).toEqual([])
    })
  },
)
