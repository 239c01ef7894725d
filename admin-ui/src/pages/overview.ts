import { actionButton } from '../action-button.ts'
import { api } from '../api.ts'
import { ask } from '../ask.ts'
import { element, time } from '../elements.ts'
import { textField } from '../fields.ts'
import { form } from '../form.ts'
import { notice } from '../notices.ts'
import type { Place } from '../project-frame.ts'
import { show, showAgain } from '../show-page.ts'
import { table } from '../table.ts'
import { newSecretKeyNotice } from './projects.ts'

interface ApiKey {
  id: string
  name: string
  kind: 'publishable' | 'secret'
  display: string
  lastUsedAt: string | null
}

/** How to connect, and the keys. */
export async function overviewPage(place: Place): Promise<Node[]> {
  const { keys } = await api<{ keys: ApiKey[] }>('GET', `${place.api}/keys`)
  const publishable = keys.find(({ kind }) => kind === 'publishable')
  const columns = [
    { label: 'Name', cell: ({ name }: ApiKey) => name },
    { label: 'Kind', cell: ({ kind }: ApiKey) => kind },
    { label: 'Key', cell: ({ display }: ApiKey) => element('code', {}, display) },
    { label: 'Last used', cell: ({ lastUsedAt }: ApiKey) => time(lastUsedAt) },
  ]
  const revoke = { label: '', cell: (key: ApiKey) => revokeButton(place, key) }
  const mayChange = place.may('admin')
  return [
    element('h1', {}, 'Overview'),
    element('h2', {}, 'Connect'),
    element('pre', {}, snippet(place.ref, publishable?.display ?? 'pk_…')),
    element('h2', {}, 'Keys'),
    table('Keys', mayChange ? [...columns, revoke] : columns, keys),
    mayChange
      ? newSecretKey(place)
      : element('p', { className: 'soft' }, 'New keys are made by those with the role of admin.'),
  ]
}

function revokeButton(place: Place, { id, name }: ApiKey): HTMLElement {
  return actionButton('Revoke', async () => {
    const text = 'Whoever uses it is refused at once, and it never comes back.'
    if (!(await ask(`Revoke the key “${name}”?`, text, 'Revoke'))) return
    await api('DELETE', `${place.api}/keys/${id}`)
    showAgain(notice(`The key “${name}” is revoked.`))
  })
}

function newSecretKey(place: Place): HTMLElement {
  const name = textField('Name', 'name', { maxLength: 100 })
  const made = form('Create secret key', [name.row], async () => {
    const body = { name: name.read(), kind: 'secret' }
    const { key } = await api<{ key: string }>('POST', `${place.api}/keys`, body)
    show(place.console, [newSecretKeyNotice(key)])
  })
  return element('details', {}, element('summary', {}, 'New secret key'), made)
}

function snippet(ref: string, key: string): string {
  return `import { createClient } from '@basalt/client'

const basalt = createClient({
  url: '${location.origin}',
  project: '${ref}',
  key: '${key}',
})`
}
