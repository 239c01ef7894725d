export type Child = Node | string

/** Makes an element. Text is always text: nothing that comes from the server becomes HTML. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<Omit<HTMLElementTagNameMap[Name], 'children'>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

export function link(href: string, text: string, className = ''): HTMLAnchorElement {
  return element('a', { href, className }, text)
}

/** A short word of state, in the tone that it deserves. */
export function badge(text: string, tone: 'plain' | 'good' | 'bad' = 'plain'): HTMLElement {
  return element('span', { className: `badge ${tone}` }, text)
}

/** In the reader's language and zone; the exact time is in its title. */
export function time(iso: string | null, absent = 'never'): Child {
  return shownTime(iso, absent, { dateStyle: 'medium', timeStyle: 'short' })
}

/** For lists. */
export function day(iso: string | null, absent = 'never'): Child {
  return shownTime(iso, absent, { dateStyle: 'medium' })
}

function shownTime(iso: string | null, absent: string, style: Intl.DateTimeFormatOptions): Child {
  if (iso === null) return element('span', { className: 'soft' }, absent)
  const text = new Date(iso).toLocaleString(undefined, style)
  return element('time', { dateTime: iso, title: iso }, text)
}

export function facts(...entries: [string, Child][]): HTMLElement {
  const rows = entries.map(([term, value]) =>
    element('div', {}, element('dt', {}, term), element('dd', {}, value)),
  )
  return element('dl', { className: 'card facts' }, ...rows)
}

/** Says that there is nothing, and what to do about it. */
export function empty(text: string): HTMLElement {
  return element('p', { className: 'card soft' }, text)
}
