import { element, link } from './elements.ts'
import type { Place } from './project-frame.ts'

const tabs = [
  ['Outbox', ''],
  ['Templates', '/templates'],
  ['Server', '/server'],
] as const

export function mailTabs(place: Place, present: (typeof tabs)[number][0]): HTMLElement {
  const links = tabs.map(([name, path]) => {
    const made = link(`${place.console}/mail${path}`, name)
    if (name === present) made.ariaCurrent = 'page'
    return made
  })
  return element('nav', { className: 'tabs', ariaLabel: 'Mail' }, ...links)
}
