import type { Place } from './project-frame.ts'
import { tabs } from './tabs.ts'

const pages = [
  ['Tasks', ''],
  ['Dead', '/dead'],
  ['Queues', '/queues'],
  ['Schedules', '/schedules'],
] as const

export function taskTabs(place: Place, present: (typeof pages)[number][0]): HTMLElement {
  return tabs('Tasks', `${place.console}/tasks`, pages, present)
}
