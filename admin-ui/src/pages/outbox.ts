import { api } from '../api.ts'
import { badge, element, empty, link, time } from '../elements.ts'
import { mailTabs } from '../mail-tabs.ts'
import type { At, Place } from '../project-frame.ts'
import { pager, table } from '../table.ts'

export interface Mail {
  id: string
  recipient: string
  template: string
  state: 'sent' | 'waiting' | 'failed' | 'kept'
  subject: string | null
  text: string | null
  html: string | null
  createdAt: string
  sentAt: string | null
  nextAttemptAt: string | null
  attempts: number
  error: string | null
}

export async function outboxPage(place: Place, { query }: At): Promise<Node[]> {
  const path = `${place.console}/mail`
  const page = await api<{ mails: Mail[]; nextCursor: string | null; hasServer: boolean }>(
    'GET',
    `${place.api}/auth/mails?${query.toString()}`,
  )
  const columns = [
    { label: 'To', cell: ({ id, recipient }: Mail) => link(`${path}/outbox/${id}`, recipient) },
    { label: 'Mail', cell: ({ subject, template }: Mail) => subject ?? template.replaceAll('_', ' ') },
    { label: 'State', cell: ({ state }: Mail) => stateBadge(state) },
    { label: 'Time', cell: ({ createdAt }: Mail) => time(createdAt) },
  ]
  const kept =
    'No mail server is set, so mails are kept here and reach nobody. That is fine for trying things out.'
  return [
    element('h1', {}, 'Mail'),
    mailTabs(place, 'Outbox'),
    ...(page.hasServer
      ? []
      : [element('p', { className: 'card' }, `${kept} `, link(`${path}/server`, 'Set a mail server'))]),
    page.mails.length > 0
      ? table('Mails of the last week', columns, page.mails)
      : empty('No mail in the last week. Codes, links and notices to users stand here.'),
    ...pager(path, query, page.nextCursor),
  ]
}

export function stateBadge(state: Mail['state']): HTMLElement {
  const tones = { sent: 'good', waiting: 'plain', failed: 'bad', kept: 'plain' } as const
  return badge(state === 'kept' ? 'kept here' : state, tones[state])
}
