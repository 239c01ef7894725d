import { actionButton } from '../action-button.ts'
import { api } from '../api.ts'
import { ask } from '../ask.ts'
import { badge, element, empty, time } from '../elements.ts'
import { notice } from '../notices.ts'
import type { Place } from '../project-frame.ts'
import { showAgain } from '../show-page.ts'
import { table } from '../table.ts'

export interface Session {
  id: string
  deviceName: string | null
  userAgent: string | null
  ip: string | null
  amr: string[]
  impersonator: string | null
  createdAt: string
  lastUsedAt: string
}

/** Where a user is signed in. */
export function sessionList(place: Place, path: string, sessions: Session[]): Node[] {
  if (sessions.length === 0) return [empty('The user is signed in nowhere.')]
  const columns = [
    { label: 'Device', cell: (session: Session) => deviceOf(session) },
    { label: 'Address', cell: ({ ip }: Session) => ip ?? '–' },
    { label: 'Proof', cell: ({ amr }: Session) => amr.join(', ') || '–' },
    { label: 'Since', cell: ({ createdAt }: Session) => time(createdAt) },
    { label: 'Last used', cell: ({ lastUsedAt }: Session) => time(lastUsedAt) },
  ]
  if (!place.may('developer')) return [table('Sessions', columns, sessions)]
  const end = (session: Session): HTMLElement =>
    actionButton('End', async () => {
      await api('DELETE', `${path}/sessions/${session.id}`)
      showAgain(notice('The session is over.'))
    })
  const endAll = actionButton('Sign out everywhere', async () => {
    const text = 'Every device of the user has to sign in again.'
    if (!(await ask('Sign the user out everywhere?', text, 'Sign out everywhere'))) return
    await api('DELETE', `${path}/sessions`)
    showAgain(notice('The user is signed out everywhere.'))
  })
  return [
    table('Sessions', [...columns, { label: '', cell: end }], sessions),
    element('div', { className: 'actions' }, endAll),
  ]
}

function deviceOf({ deviceName, userAgent, impersonator }: Session): Node {
  const name = element(
    'span',
    { className: 'clip', title: userAgent ?? '' },
    deviceName ?? userAgent ?? 'Unknown',
  )
  return element('span', {}, name, ...(impersonator === null ? [] : [impersonated(impersonator)]))
}

function impersonated(by: string): HTMLElement {
  const made = badge('impersonated', 'bad')
  made.title = `By ${by}`
  return made
}
