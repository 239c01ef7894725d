import { Cron } from 'croner'
import { invalidValue } from '../../platform/errors.ts'

/** When a schedule runs: by a clock on the wall of its time zone. */
export interface Clock {
  cron: string
  timeZone: string
}

/**
 * Five fields, as in crontab(5): minute, hour, day of month, month, day of week.
 *
 * Where clocks are put forward, a fixed time that is left out (`30 2 * * *`) runs when the gap ends; where they are put
 * back, a fixed time that comes twice runs the first time only. What has `*` or a step in minutes or hours (every half
 * an hour) runs by the time that passes: through a gap without one more, and in both hours of the same name.
 */
function parse({ cron, timeZone }: Clock): Cron {
  return new Cron(cron, { timezone: timeZone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true })
}

/** The next time after this; null: never. */
export function nextRun(clock: Clock, after: Date): Date | null {
  return parse(clock).nextRun(after)
}

/**
 * The times from `since` to `until`, both included, the oldest first; when there are more than `max`, the newest.
 * However long ago `since` is, no more than `max` are looked for.
 */
export function runsBetween(clock: Clock, since: Date, until: Date, max: number): Date[] {
  // What is found lies before the second that it is asked for.
  const newest = parse(clock).previousRuns(max, new Date(until.getTime() + 1))
  return newest.filter((at) => at >= since && at <= until).toReversed()
}

/** Throws 400 for what is no expression, no time zone of the IANA, or never comes. */
export function checkClock(clock: Clock): void {
  if (!isTimeZone(clock.timeZone)) {
    throw invalidValue('timeZone', 'is not a time zone of the IANA database, such as Europe/Berlin')
  }
  // Nicknames such as @daily are not five fields, and some differ from program to program.
  if (clock.cron.startsWith('@')) throw invalidValue('cron', 'must have five fields', 'invalid_cron')
  let next: Date | null
  try {
    next = nextRun(clock, new Date())
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)
    throw invalidValue('cron', `is not a cron expression: ${reason}`, 'invalid_cron')
  }
  if (next === null) throw invalidValue('cron', 'never comes', 'invalid_cron')
}

/** Offsets such as +02:00, which JavaScript takes too, know no summer. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
