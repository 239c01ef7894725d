import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOperator, password as operatorPassword } from '../isolation/victim.ts'
import { chromiumPath, startConsole, type TestConsole } from '../support/console.ts'
import { callFunction } from '../support/deploy.ts'
import type { TestProject } from '../support/server.ts'

const sources: Record<string, string> = {
  'functions/quote.ts': `import { callable, reject } from '@basalt/client/functions'
import { integer, number, string } from '@basalt/client'
import { unitPrice } from '../lib/price.ts'

export default callable({
  input: { product: string(), amount: integer({ minimum: 1 }) },
  output: { price: number() },
  handler({ product, amount }, { log }) {
    log.info('<b>quoting</b>', { product, amount })
    if (product === 'bug') throw new RangeError('out of lamps')
    if (amount > 100) reject('not by phone')
    return { price: amount * unitPrice }
  },
})
`,
  'functions/sendReport.ts': `import { task } from '@basalt/client/functions'
export default task('send-report', {}, (_payload, { env }) => {
  if (env['PRINTER'] === undefined) throw new Error('the printer is on fire')
  return { sentTo: env['PRINTER'] }
})
`,
  'functions/nightly.ts': `import { schedule } from '@basalt/client/functions'
export default schedule('0 3 * * *', { timezone: 'Europe/Berlin' }, () => ({}))
`,
  'lib/price.ts': 'export const unitPrice = 3\n',
  '.env': 'STRIPE=very-secret',
  'node_modules/big/index.js': 'module.exports = 1',
}

describe.skipIf(chromiumPath === undefined)(
  'the console’s pages of functions and tasks (skipped where no Chromium is installed)',
  { timeout: 60_000 },
  () => {
    let console: TestConsole
    let page: Page
    let project: TestProject
    let base: string
    let folder: string

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'basalt-console-'))
      for (const [path, content] of Object.entries(sources)) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), content)
      }
      console = await startConsole()
      page = console.page
      project = await console.server.createProject('Shop')
      base = `/console/projects/${project.ref}`
    })

    afterAll(async () => {
      await console.stop()
      await rm(folder, { recursive: true, force: true })
    })

    const go = async (path: string, on = page) => {
      await on.goto(console.server.url + base + path)
      await on.waitForSelector('main[aria-busy=false] h1')
    }
    const arrived = async (at: RegExp | ((url: URL) => boolean)) => {
      await page.waitForURL(at)
      await page.waitForSelector('main[aria-busy=false] h1')
    }
    const press = (label: string) => page.getByRole('button', { name: label, exact: true }).click()
    const agree = (label: string) =>
      page.getByRole('dialog').getByRole('button', { name: label, exact: true }).click()
    const told = (text: string) => page.getByRole('status').filter({ hasText: text }).first().waitFor()
    const question = () => page.getByRole('dialog').innerText()
    const row = (text: string) => page.getByRole('row').filter({ hasText: text })
    const outcome = () => page.locator('section.outcome')
    const versions = async () => (await project.call('GET', '/functions/deployments')).body.deployments
    const price = async () =>
      (await callFunction(project, 'quote', { product: 'lamp', amount: 2 })).body.output
    const task = async (id: string) => (await project.call('GET', `/tasks/${id}`)).body
    const shownId = () => page.url().split('/').at(-1) ?? ''

    test('where there is nothing yet, the pages say what to do next', async () => {
      const hints = {
        '/functions': 'npx basalt deploy',
        '/functions/deployments': 'No version yet',
        '/functions/logs': 'Nothing was written in the last week',
        '/functions/secrets': 'env.API_KEY',
        '/tasks': 'tasks.enqueue',
        '/tasks/dead': 'No task is dead',
        '/tasks/queues': 'No queue yet',
        '/tasks/schedules': 'Nothing runs by the clock yet',
      }
      for (const [path, hint] of Object.entries(hints)) {
        await go(path)
        expect(await page.locator('main').innerText()).toContain(hint)
      }
    })

    test('a folder is uploaded without what is hidden and packages, and deployed after a question that tells the plan', async () => {
      await go('/functions')
      await page.click('text=New version')
      await page.getByLabel('Folder').setInputFiles(folder)
      await press('Use folder')
      await page.waitForSelector('text=4 files are there.')
      await page.getByLabel('What has changed').fill('The first prices')
      await press('Deploy')
      await page.getByRole('dialog').waitFor()
      expect(await question()).toContain('New: nightly, quote, sendReport.')
      await agree('Cancel')
      expect(await versions()).toEqual([])
      await press('Deploy')
      await agree('Deploy')
      await told('The version is deployed.')
      const [version] = await versions()
      expect(version).toMatchObject({ message: 'The first prices', share: 1 })
      const { body } = await project.call('GET', `/functions/deployments/${version.id}/sources`)
      expect(Object.keys(body.files).sort()).toEqual(Object.keys(sources).slice(0, 4).sort())
      await row('sendReport').getByRole('link').click()
      await page.getByRole('heading', { name: 'sendReport' }).waitFor()
      expect(await page.locator('main').innerText()).toContain('task send-report')
    })

    test('a function is called; its answer, its refusals and its failures are shown, and its lines as text', async () => {
      await go('/functions/quote')
      expect(JSON.parse(await page.getByLabel('Input').inputValue())).toEqual({ product: '', amount: 1 })
      const call = async (input: object) => {
        await page.getByLabel('Input').fill(JSON.stringify(input))
        await press('Call')
      }
      await call({ product: 'lamp', amount: 2 })
      await outcome().locator('pre', { hasText: '"price": 6' }).waitFor()
      await call({ product: 'lamp', amount: 0 })
      await page.waitForSelector('textarea[name=input][aria-invalid=true]')
      expect(await page.locator('form:has(textarea) .error:visible').allInnerTexts()).toEqual([
        expect.stringMatching(/^amount /),
        expect.anything(),
      ])
      await call({ product: 'lamp', amount: 200 })
      await outcome().getByText('not by phone rejected').waitFor()
      await call({ product: 'bug', amount: 1 })
      await outcome().getByText('function_failed').waitFor()
      // Without another look: who calls sees what was written.
      const failed = page.locator('.log section', { hasText: 'out of lamps' })
      await failed.locator('pre', { hasText: 'functions/quote.ts:10:' }).waitFor()
      expect(await failed.getByText('<b>quoting</b>').count()).toBe(1)
    })

    test('lines are filtered, searched, shown of one call, and followed live until that is switched off', async () => {
      await go('/functions/quote')
      await page.getByLabel('Level').selectOption('error')
      await press('Search')
      await arrived(/level=error/)
      expect(await page.locator('.log li').count()).toBe(1)
      await page.getByLabel('Level').selectOption('')
      await page.getByLabel('Search for').fill('QUOTING')
      await page.getByLabel('Order').selectOption('lines')
      await press('Search')
      await arrived(/search=QUOTING/)
      expect(await page.locator('.log li').count()).toBe(3)

      await go('/functions/quote')
      await page.locator('.log section', { hasText: 'out of lamps' }).getByRole('link').click()
      await page.waitForSelector('text=Only the call')
      expect(await page.locator('.log section').count()).toBe(1)
      await page.click('text=All calls')

      await arrived((url) => url.search === '')
      const before = await page.locator('.log section').count()
      await press('Live tail')
      await told('Following')
      await price()
      await page.locator('.log section').nth(before).waitFor()
      await press('Live tail')
      expect(await page.getByRole('button', { name: 'Live tail' }).getAttribute('aria-pressed')).toBe('false')
    })

    test('the lines of all functions stand together, and lead to each', async () => {
      await go('/functions/logs?level=error&order=lines')
      const line = page.locator('.log li', { hasText: 'out of lamps' })
      await line.getByRole('link', { name: 'quote' }).click()
      await page.getByRole('heading', { name: 'quote' }).waitFor()
    })

    test('what was called is counted in the list', async () => {
      await go('/functions')
      const cells = await row('called by users').getByRole('cell').allInnerTexts()
      expect(cells.slice(0, 4)).toEqual(['quote', 'called by users', '4', '1'])
      expect(await page.locator('main').innerText()).toContain('GB-seconds')
    })

    test('what does not build is refused with its place, which opens the editor; mended, it is deployed beside the others', async () => {
      await go('/functions/deployments/new')
      await page.getByLabel('Edit lib/price.ts').click()
      await page
        .getByLabel('lib/price.ts', { exact: true })
        .fill('export const unitPrice = 4\nexport const = 5\n')
      await press('Deploy')
      await page.getByRole('alert').getByRole('button', { name: 'lib/price.ts:2:' }).click()
      const selected = `(() => { const area = document.activeElement; return area.value.slice(area.selectionStart, area.selectionEnd) })()`
      expect(await page.evaluate(selected)).toBe('export const = 5')
      expect(await versions()).toHaveLength(1)
      expect(await price()).toEqual({ price: 6 })

      await page.getByLabel('lib/price.ts', { exact: true }).fill('export const unitPrice = 4\n')
      await press('Deploy')
      await page.getByRole('dialog').waitFor()
      expect(await question()).toContain('Changed: quote.')
      await agree('Deploy')
      await told('The version is deployed.')
      expect(await price()).toEqual({ price: 8 })
    })

    test('a function that is written in the console runs, beside those that are there', async () => {
      await go('/functions/deployments/new')
      await page.click('text=Write a function here')
      await page.getByLabel('Name', { exact: true }).fill('hello')
      await press('Write it')
      expect(await page.getByLabel('functions/hello.ts', { exact: true }).inputValue()).toContain('callable')
      await press('Deploy')
      await agree('Deploy')
      await told('The version is deployed.')
      expect((await callFunction(project, 'hello', { name: 'Ada' })).body.output).toEqual({ hello: 'Ada' })
      expect(await price()).toEqual({ price: 8 })
    })

    test('a version gets a share of the calls and is taken out again, and the way back is one press', async () => {
      const [newest, , oldest] = await versions()
      await go(`/functions/deployments/${oldest.id}`)
      await page.getByLabel('Percent of the calls').fill('25')
      await press('Give it this share')
      await told('25% of the calls')
      const shares = async () => (await versions()).map(({ share }: { share: number }) => share)
      expect(await shares()).toEqual([0.75, 0, 0.25])
      await press('Take it out')
      await told('no calls any more')
      expect(await shares()).toEqual([1, 0, 0])

      await page.click('text=← Versions')
      await row('The first prices').getByRole('button', { name: 'Roll back' }).click()
      expect(await question()).toContain('Functions that go: hello.')
      await agree('Roll back')
      await told('takes all calls now')
      expect(await shares()).toEqual([0, 0, 1])
      expect(await price()).toEqual({ price: 6 })
      const ofNewest = page.getByRole('row').nth(1)
      await ofNewest.getByRole('button', { name: 'Activate' }).click()
      await agree('Activate')
      await expect.poll(shares).toEqual([1, 0, 0])
      expect((await versions())[0].id).toBe(newest.id)
      expect(await ofNewest.innerText()).toContain('ada@example.com')
    })

    test('an enqueued task is seen to die, says why, and succeeds when it is retried after a secret was set', async () => {
      await go('/tasks')
      await page.click('text=Enqueue a task')
      expect(await page.getByLabel('Task', { exact: true }).inputValue()).toBe('send-report')
      await page.getByLabel('Payload').fill('{ "to": ')
      await press('Enqueue')
      await page.waitForSelector('textarea[name=payload][aria-invalid=true]')
      await page.getByLabel('Payload').fill('{ "to": "<i>ada</i>" }')
      await page.click('summary')
      await page.getByLabel('Attempts').fill('1')
      await press('Enqueue')
      await told('The task is enqueued.')
      const id = shownId()
      // The page follows it by itself.
      await page.getByText('the printer is on fire').waitFor()
      expect(await page.locator('pre').last().innerText()).toContain('<i>ada</i>')

      await page.getByRole('link', { name: 'Functions' }).click()
      await page.getByRole('link', { name: 'Secrets' }).click()
      await page.getByLabel('Name').fill('PRINTER')
      await page.getByLabel('Value').fill('the cellar\nbehind the door')
      await press('Set secret')
      await told('PRINTER is set.')
      await row('PRINTER').waitFor()
      expect(await page.content()).not.toContain('the cellar')

      await go('/tasks/dead')
      await row('the printer is on fire').getByRole('button', { name: 'Retry' }).click()
      await told('begins anew')
      await expect.poll(async () => (await task(id)).state).toBe('succeeded')
      await go(`/tasks/${id}`)
      expect(await page.locator('main').innerText()).toContain('the cellar\\nbehind the door')

      await go('/functions/secrets')
      await row('PRINTER').getByRole('button', { name: 'Delete' }).click()
      await agree('Delete')
      await told('PRINTER is deleted.')
      expect((await project.call('GET', '/functions/secrets')).body).toEqual({ secrets: [] })
    })

    test('tasks are found by state, queue and key, turned over page by page, and cancelled', async () => {
      for (let n = 0; n < 55; n++) {
        const body = { name: 'send-report', delay: 3600, key: `report-${n}`, queue: 'mails' }
        await project.call('POST', '/tasks', { body })
      }
      await go('/tasks')
      await page.getByLabel('State').selectOption('scheduled')
      await page.getByLabel('Search by').selectOption('queue')
      await page.getByLabel('Search for').fill('mails')
      await press('Search')
      await arrived(/queue=mails/)
      expect(await page.getByRole('row').count()).toBe(51)
      await page.click('text=Next page')
      await arrived(/after=/)
      expect(await page.getByRole('row').count()).toBe(6)
      await page.getByLabel('Search by').selectOption('taskKey')
      await page.getByLabel('Search for').fill('report-7')
      await press('Search')
      await arrived(/taskKey=report-7/)
      await row('report-7').getByRole('link').click()
      await page.getByRole('heading', { name: 'send-report' }).waitFor()
      await press('Cancel the task')
      await agree('Cancel the task')
      await told('It is cancelled.')
      expect((await task(shownId())).state).toBe('cancelled')
    })

    test('a queue is set up, paused and resumed, and forgotten only when it is empty', async () => {
      const queue = async (name: string) =>
        (await project.call('GET', '/tasks/queues')).body.queues.find(
          (one: { name: string }) => one.name === name,
        )
      await go('/tasks/queues')
      await page.getByLabel('Queue', { exact: true }).fill('reports')
      await page.getByLabel('Tasks at once').fill('2')
      await press('Set up')
      await told('reports is set up.')
      await row('reports').getByRole('button', { name: 'Pause' }).click()
      await told('starts no task any more')
      expect(await queue('reports')).toEqual({ name: 'reports', concurrency: 2, paused: true })
      await row('reports').getByRole('button', { name: 'Resume' }).click()
      await told('runs again')
      expect(await queue('reports')).toEqual({ name: 'reports', concurrency: 2, paused: false })
      await row('mails').getByRole('button', { name: 'Forget' }).click()
      await agree('Forget')
      await page.getByRole('alert').filter({ hasText: 'has tasks' }).waitFor()
      await row('reports').getByRole('button', { name: 'Forget' }).click()
      await agree('Forget')
      await told('reports is forgotten.')
      expect(await queue('reports')).toBeUndefined()
    })

    test('a schedule is made, changed and deleted; what a function declares can only be looked at', async () => {
      await go('/tasks/schedules')
      await page.click('text=New schedule')
      await page.getByLabel('Name').fill('weekly')
      await page.getByLabel('Cron').fill('every monday')
      await page.getByLabel('Time zone').fill('Europe/Berlin')
      await press('Save schedule')
      await page.waitForSelector('input[name=cron][aria-invalid=true]')
      await page.getByLabel('Cron').fill('30 6 * * 1')
      await page.getByLabel('Payload').fill('{ "to": "all" }')
      await press('Save schedule')
      await told('weekly is saved.')
      await page.getByLabel('Times that passed').selectOption('once')
      await page.click('summary')
      await page.getByLabel('Queue').fill('mails')
      await press('Save schedule')
      await told('weekly is saved.')
      const { body } = await project.call('GET', '/tasks/schedules/weekly')
      expect(body).toMatchObject({
        cron: '30 6 * * 1',
        timeZone: 'Europe/Berlin',
        catchUp: 'once',
        task: { name: 'send-report', payload: { to: 'all' }, queue: 'mails' },
      })
      await go('/tasks/new-schedule')
      await page.getByLabel('Name').fill('weekly')
      await page.getByLabel('Cron').fill('0 0 * * *')
      await press('Save schedule')
      await page.waitForSelector('input[name=name][aria-invalid=true]')

      await go('/tasks/schedules')
      await row('nightly').getByRole('link', { name: 'nightly' }).first().click()
      await page.waitForSelector('text=declares it')
      expect(await page.locator('main button').count()).toBe(0)
      await go('/tasks/schedules/weekly')
      await press('Delete')
      await agree('Delete')
      await told('weekly is deleted.')
      expect((await project.call('GET', '/tasks/schedules/weekly')).status).toBe(404)
    })

    const paths = async () => {
      const [version] = await versions()
      const { body } = await project.call('GET', '/tasks')
      return [
        '/functions',
        '/functions/quote',
        '/functions/nightly',
        '/functions/deployments',
        `/functions/deployments/${version.id}`,
        '/functions/deployments/new',
        '/functions/logs',
        '/functions/secrets',
        '/tasks',
        '/tasks/dead',
        '/tasks/queues',
        '/tasks/schedules',
        '/tasks/schedules/nightly',
        '/tasks/new',
        '/tasks/new-schedule',
        `/tasks/${body.tasks[0].id}`,
      ]
    }

    test('a viewer sees it all and changes nothing', async () => {
      const email = 'victor@example.com'
      await createOperator(console.server, email)
      const as = console.server.operator
      const { body } = await console.server.call('GET', `/v1/projects/${project.ref}`, { as })
      await console.server.call('POST', `/v1/organizations/${body.organizationId}/members`, {
        as,
        body: { email, role: 'viewer' },
      })
      const viewers = await console.open('/console', { email, password: operatorPassword })
      for (const path of await paths()) {
        await go(path, viewers)
        const buttons = await viewers.locator('main button:not(:disabled)').allInnerTexts()
        const harmful = buttons.filter((label) => label !== 'Search' && label !== 'Live tail')
        expect({ path, harmful }).toEqual({ path, harmful: [] })
        const controls = 'main form:not([role=search]) :is(input, select, textarea):enabled'
        expect(await viewers.locator(controls).count()).toBe(0)
      }
      await viewers.context().close()
    })

    test('at the width of a phone nothing hangs over, and no page broke a rule', async () => {
      await page.setViewportSize({ width: 390, height: 844 })
      for (const path of await paths()) {
        await go(path)
        const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect({ path, over }).toEqual({ path, over: 0 })
      }
      expect(console.faults).toEqual([])
    })
  },
)
