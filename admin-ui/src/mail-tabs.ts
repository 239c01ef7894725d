import type { Place } from './project-frame.ts'
import { tabs } from './tabs.ts'

const pages = [
  ['Outbox', ''],
  ['Templates', '/templates'],
  ['Server', '/server'],
] as const

export function mailTabs(place: Place, present: (typeof pages)[number][0]): HTMLElement {
  return tabs('Mail', `${place.console}/mail`, pages, present)
}
