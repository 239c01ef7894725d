import { type Child, element } from './elements.ts'

/** What must be read now, above the page. The next page takes it away. */
export function notify(...notices: Node[]): void {
  const place = document.getElementById('notices')
  place?.replaceChildren(...notices)
  if (notices.length > 0) place?.scrollIntoView({ block: 'nearest' })
}

export function notice(...children: Child[]): HTMLElement {
  return element('div', { className: 'card notice', role: 'status' }, ...children)
}

export function failure(error: unknown): HTMLElement {
  const text = error instanceof Error ? error.message : String(error)
  return element('div', { className: 'card notice bad', role: 'alert' }, text)
}

/** A secret that is in this answer and in no other. */
export function secretNotice(text: string, ...secrets: [label: string, value: string][]): HTMLElement {
  const rows = secrets.map(([label, value]) =>
    element('div', {}, element('span', { className: 'soft' }, label), element('code', {}, value)),
  )
  return notice(element('strong', {}, text), ...rows)
}
