import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../../src/platform/errors.ts'
import { checkClock, nextRun, runsBetween } from '../../src/tasks/schedules/cron.ts'

const berlin = (cron: string) => ({ cron, timeZone: 'Europe/Berlin' })

function nextRuns(cron: string, after: string, count: number): string[] {
  const runs: string[] = []
  let at = new Date(after)
  while (runs.length < count) {
    const next = nextRun(berlin(cron), at)
    if (next === null) break
    runs.push(next.toISOString().slice(0, 16))
    at = next
  }
  return runs
}

describe('where clocks are put forward, at 02:00 on 29 March 2026', () => {
  test('a time that is left out comes when the gap ends', () => {
    expect(nextRuns('30 2 * * *', '2026-03-28T12:00Z', 2)).toEqual(['2026-03-29T01:00', '2026-03-30T00:30'])
  })

  test('intervals pass through', () => {
    expect(nextRuns('*/30 * * * *', '2026-03-29T00:00Z', 3)).toEqual([
      '2026-03-29T00:30',
      '2026-03-29T01:00',
      '2026-03-29T01:30',
    ])
  })
})

describe('where clocks are put back, at 03:00 on 25 October 2026', () => {
  test.each(['30 2 * * *', '30 2,4 * * *', '30 2-2 * * *'])(
    'a time that comes twice counts once: %s',
    (cron) => {
      const runs = nextRuns(cron, '2026-10-24T12:00Z', 3).filter((at) => at.startsWith('2026-10-25'))
      expect(runs.filter((at) => at === '2026-10-25T00:30' || at === '2026-10-25T01:30')).toEqual([
        '2026-10-25T00:30',
      ])
    },
  )

  test('intervals come in both hours', () => {
    expect(nextRuns('0 * * * *', '2026-10-24T23:30Z', 3)).toEqual([
      '2026-10-25T00:00',
      '2026-10-25T01:00',
      '2026-10-25T02:00',
    ])
  })
})

test('of what was missed the newest are found, however long ago it began', () => {
  const until = new Date('2026-11-24T12:00:00.000Z')
  const runs = runsBetween(berlin('* * * * *'), new Date(0), until, 3)
  expect(runs.map((at) => at.toISOString())).toEqual([
    '2026-11-24T11:58:00.000Z',
    '2026-11-24T11:59:00.000Z',
    '2026-11-24T12:00:00.000Z',
  ])
  expect(runsBetween(berlin('* * * * *'), new Date('2026-11-24T11:59:30Z'), until, 3).length).toBe(1)
})

test.each([
  ['', 'UTC'],
  ['* * * *', 'UTC'],
  ['* * * * * *', 'UTC'],
  ['@daily', 'UTC'],
  ['60 * * * *', 'UTC'],
  ['*/0 * * * *', 'UTC'],
  ['0 0 31 2 *', 'UTC'],
  ['* * * * *', 'Mars/Olympus'],
  ['* * * * *', '+02:00'],
  ['* * * * *', 'Europe/Berlin\0'],
])('%j in %j is refused', (cron, timeZone) => {
  expect(() => checkClock({ cron, timeZone })).toThrow(ApiError)
})

test('any text is a clock with a future, or refused', () => {
  const part = fc.oneof(
    fc.constantFrom(
      '*',
      '*/5',
      '1-5',
      '0',
      '59',
      '7',
      'L',
      '1#2',
      '15W',
      'MON',
      'jan-mar',
      '?',
      ',',
      '-',
      '/',
    ),
    fc.string({ maxLength: 6 }),
    fc.integer({ min: -10, max: 100 }).map(String),
  )
  const cron = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.array(part, { minLength: 3, maxLength: 7 }).map((p) => p.join(' ')),
  )
  const zone = fc.oneof(
    fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe'),
    fc.string(),
  )
  fc.assert(
    fc.property(cron, zone, (text, timeZone) => {
      const clock = { cron: text, timeZone }
      try {
        checkClock(clock)
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError)
        return
      }
      const now = new Date()
      const next = nextRun(clock, now)
      expect(next!.getTime()).toBeGreaterThan(now.getTime())
      expect(runsBetween(clock, now, next!, 5).at(-1)).toEqual(next)
    }),
    { numRuns: 2000 },
  )
})
