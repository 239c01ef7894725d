import { api } from '../api.ts'
import { element, empty, link, time } from '../elements.ts'
import type { At, Place } from '../project-frame.ts'
import { pager, table } from '../table.ts'

interface Entry {
  at: string
  actor: { kind: string; id: string }
  action: string
  target: string
  detail: Record<string, unknown>
  ip: string | null
}

/** Who changed what, the newest first. */
export async function auditPage(place: Place, { query }: At): Promise<Node[]> {
  const path = `${place.console}/audit`
  const { entries, nextCursor } = await api<{ entries: Entry[]; nextCursor: string | null }>(
    'GET',
    `${place.api}/audit?${query.toString()}`,
  )
  const columns = [
    { label: 'Time', cell: ({ at }: Entry) => time(at) },
    { label: 'What', cell: (entry: Entry) => what(entry) },
    { label: 'Of', cell: (entry: Entry) => target(place, entry) },
    { label: 'Who', cell: ({ actor }: Entry) => element('span', { title: actor.id }, actor.kind) },
    { label: 'From', cell: ({ ip }: Entry) => ip ?? '' },
  ]
  return [
    element('h1', {}, 'Audit log'),
    entries.length > 0 ? table('Audit log', columns, entries) : empty('Nothing was changed yet.'),
    ...pager(path, query, nextCursor),
  ]
}

function what({ action, detail }: Entry): HTMLElement {
  const details = Object.entries(detail).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  const said = element('span', { className: 'hint' }, details.join(', '))
  return element('span', {}, action, ...(details.length > 0 ? [element('br'), said] : []))
}

function target(place: Place, { action, target }: Entry): HTMLElement {
  const isUser = action.startsWith('user.') && action !== 'user.import'
  return isUser ? link(`${place.console}/users/${target}`, target) : element('code', {}, target)
}
