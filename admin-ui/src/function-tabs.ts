import type { Place } from './project-frame.ts'
import { tabs } from './tabs.ts'

const pages = [
  ['Functions', ''],
  ['Versions', '/deployments'],
  ['Logs', '/logs'],
  ['Secrets', '/secrets'],
] as const

export function functionTabs(place: Place, present: (typeof pages)[number][0]): HTMLElement {
  return tabs('Functions', `${place.console}/functions`, pages, present)
}
