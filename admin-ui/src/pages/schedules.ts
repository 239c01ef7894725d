import type { Schedule } from '@basalt/client'
import { api } from '../api.ts'
import { badge, type Child, element, empty, link, time } from '../elements.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'
import { pager, table } from '../table.ts'
import { isDeclared } from '../task-api.ts'
import { taskTabs } from '../task-tabs.ts'

/** What runs by the clock, and when next. */
export async function schedulesPage(place: Place, { query }: At): Promise<Node[]> {
  const path = `${place.console}/tasks/schedules`
  const { schedules, nextCursor } = await api<{ schedules: Schedule[]; nextCursor: string | null }>(
    'GET',
    `${place.api}/tasks/schedules?${query.toString()}`,
  )
  const columns = [
    { label: 'Schedule', cell: ({ name }: Schedule) => link(`${path}/${encodeURIComponent(name)}`, name) },
    { label: 'Cron', cell: ({ cron }: Schedule) => element('code', {}, cron) },
    { label: 'Time zone', cell: ({ timeZone }: Schedule) => timeZone },
    { label: 'Task', cell: (schedule: Schedule) => taskOf(place, schedule) },
    {
      label: 'Next',
      cell: ({ nextRunAt, paused }: Schedule): Child => (paused ? badge('paused', 'bad') : time(nextRunAt)),
    },
    { label: 'Last', cell: ({ lastRunAt }: Schedule) => time(lastRunAt) },
  ]
  const make = link(`${place.console}/tasks/new-schedule`, 'New schedule', 'button first')
  return [
    element('h1', {}, 'Tasks'),
    taskTabs(place, 'Schedules'),
    ...lookOnly(place),
    ...(place.may('developer') ? [element('div', { className: 'actions' }, make)] : []),
    ...(schedules.length > 0
      ? [
          table('Schedules', columns, schedules),
          element('p', { className: 'hint' }, 'Times are in your time zone.'),
        ]
      : [
          empty('Nothing runs by the clock yet. Make a schedule here, or declare one in a function:'),
          element(
            'pre',
            {},
            `export default schedule('0 8 * * 1-5', { timezone: 'Europe/Berlin' }, handler)`,
          ),
        ]),
    ...pager(path, query, nextCursor),
  ]
}

function taskOf(place: Place, schedule: Schedule): Child {
  const { name } = schedule.task
  if (!isDeclared(schedule)) return name
  return element(
    'span',
    {},
    'the function ',
    link(`${place.console}/functions/${encodeURIComponent(name)}`, name),
  )
}
