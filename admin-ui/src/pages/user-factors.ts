import { actionButton } from '../action-button.ts'
import { api } from '../api.ts'
import { ask } from '../ask.ts'
import { element, empty, facts, time } from '../elements.ts'
import { notice } from '../notices.ts'
import type { Place } from '../project-frame.ts'
import { showAgain } from '../show-page.ts'
import { table } from '../table.ts'

interface Factor {
  id: string
  kind: 'totp' | 'passkey'
  name: string
  createdAt: string
  lastUsedAt: string | null
}

export interface Factors {
  factors: Factor[]
  recoveryCodesLeft: number
}

const kinds = { totp: 'Authenticator app', passkey: 'Passkey' }

/** Authenticator apps, passkeys and recovery codes; they are taken away from who lost them. */
export function factorList(place: Place, path: string, { factors, recoveryCodesLeft }: Factors): Node[] {
  if (factors.length === 0 && recoveryCodesLeft === 0) {
    return [empty('The user has no authenticator app and no passkey.')]
  }
  const columns = [
    { label: 'Kind', cell: ({ kind }: Factor) => kinds[kind] },
    { label: 'Name', cell: ({ name }: Factor) => name || kinds.totp },
    { label: 'Since', cell: ({ createdAt }: Factor) => time(createdAt) },
    { label: 'Last used', cell: ({ kind, lastUsedAt }: Factor) => (kind === 'totp' ? '' : time(lastUsedAt)) },
  ]
  const remove = {
    label: '',
    cell: ({ id, name, kind }: Factor) =>
      removal('Remove', `Remove “${name || kinds[kind]}”?`, `${path}/factors/${id}`),
  }
  const mayChange = place.may('developer')
  return [
    table('Second factors and passkeys', mayChange ? [...columns, remove] : columns, factors),
    facts(['Recovery codes left', String(recoveryCodesLeft)]),
    ...(mayChange
      ? [
          element(
            'div',
            { className: 'actions' },
            removal('Remove all factors', 'Remove all apps, passkeys and recovery codes?', `${path}/factors`),
          ),
        ]
      : []),
  ]
}

function removal(label: string, question: string, path: string): HTMLElement {
  return actionButton(label, async () => {
    const text =
      'For somebody who lost it; make sure that it is them who asks. All sessions of the user end, and the user is told by mail.'
    if (!(await ask(question, text, 'Remove'))) return
    await api('DELETE', path)
    showAgain(notice('It is removed, and the user is signed out everywhere.'))
  })
}
