import { actionButton } from '../action-button.ts'
import { api, Refused } from '../api.ts'
import { ask } from '../ask.ts'
import { badge, element, facts } from '../elements.ts'
import { notice } from '../notices.ts'
import type { Place } from '../project-frame.ts'
import { showAgain } from '../show-page.ts'
import { table } from '../table.ts'
import type { Identity, User } from './users.ts'

/** The password, and the accounts at providers, which are taken from whom they don't belong to. */
export function waysIn(place: Place, path: string, { hasPassword, identities }: User): Node[] {
  const columns = [
    { label: 'Provider', cell: ({ provider }: Identity) => provider },
    { label: 'Account there', cell: ({ subject }: Identity) => element('code', {}, subject) },
    { label: 'E-mail', cell: ({ email }: Identity) => email ?? '–' },
  ]
  const unlink = { label: '', cell: (identity: Identity) => unlinkButton(path, identity) }
  const shown = place.may('developer') ? [...columns, unlink] : columns
  return [
    facts(
      ['Password', hasPassword ? badge('set', 'good') : badge('none')],
      ['Accounts at providers', identities.length === 0 ? badge('none') : String(identities.length)],
    ),
    ...(identities.length > 0 ? [table('Accounts at providers', shown, identities)] : []),
  ]
}

function unlinkButton(path: string, { id, provider }: Identity): HTMLElement {
  return actionButton('Unlink', async () => {
    const text =
      'Whoever holds that account signs in as this user no more. All sessions of the user end, and the user is told by mail.'
    if (!(await ask(`Unlink the account at ${provider}?`, text, 'Unlink'))) return
    if (!(await unlink(`${path}/identities/${encodeURIComponent(id)}`))) return
    showAgain(notice('It is unlinked, and the user is signed out everywhere.'))
  })
}

/** False if it was the last way in, and that was not meant. */
async function unlink(path: string): Promise<boolean> {
  try {
    await api('DELETE', path)
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'conflict') throw error
    const text =
      'It is the last way in: the user comes back only by a password that you set, or an address that you verify.'
    if (!(await ask('Unlink it all the same?', text, 'Unlink all the same'))) return false
    await api('DELETE', `${path}?force=true`)
  }
  return true
}
