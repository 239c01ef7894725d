import { actionButton } from '../action-button.ts'
import { api } from '../api.ts'
import { ask } from '../ask.ts'
import { element, empty, time } from '../elements.ts'
import { areaField, suggestedField } from '../fields.ts'
import { form } from '../form.ts'
import { functionTabs } from '../function-tabs.ts'
import { notice } from '../notices.ts'
import { lookOnly, type Place } from '../project-frame.ts'
import { showAgain } from '../show-page.ts'
import { table } from '../table.ts'

interface Secret {
  name: string
  updatedAt: string
}

const example = `async handler(input, { env }) {
  await fetch('https://api.example.com', { headers: { authorization: env.API_KEY } })
}`

/** What functions read as `env`: names, and never a value. */
export async function secretsPage(place: Place): Promise<Node[]> {
  const { secrets } = await api<{ secrets: Secret[] }>('GET', `${place.api}/functions/secrets`)
  const columns = [
    { label: 'Name', cell: ({ name }: Secret) => element('code', {}, name) },
    { label: 'Set', cell: ({ updatedAt }: Secret) => time(updatedAt) },
  ]
  const remove = { label: '', cell: ({ name }: Secret) => deleteButton(place, name) }
  const mayChange = place.may('developer')
  const none =
    'No secret is set. Keys of other services belong here rather than into code: functions read them as env.NAME.'
  return [
    element('h1', {}, 'Functions'),
    functionTabs(place, 'Secrets'),
    ...lookOnly(place),
    ...(secrets.length > 0
      ? [table('Secrets', mayChange ? [...columns, remove] : columns, secrets)]
      : [empty(none), element('pre', {}, example)]),
    ...(mayChange ? [element('h2', {}, 'Set a secret'), setSecret(place, secrets)] : []),
  ]
}

function deleteButton(place: Place, name: string): HTMLElement {
  return actionButton('Delete', async () => {
    const text =
      'Functions that read it get undefined with their next call, and its value can’t be brought back.'
    if (!(await ask(`Delete ${name}?`, text, 'Delete'))) return
    await api('DELETE', `${place.api}/functions/secrets/${name}`)
    showAgain(notice(`${name} is deleted.`))
  })
}

function setSecret(place: Place, secrets: readonly Secret[]): HTMLElement {
  const name = suggestedField(
    'Name',
    'name',
    secrets.map((one) => one.name),
    {
      pattern: '[A-Z][A-Z0-9_]{0,63}',
      title: 'Capitals, digits and _ after a capital',
      placeholder: 'STRIPE_KEY',
      autocomplete: 'off',
      hint: 'Capitals, digits and _. One that is set already gets the new value.',
    },
  )
  const value = areaField('Value', 'value', {
    className: 'code concealed',
    required: true,
    rows: 2,
    autocomplete: 'off',
    hint: 'Functions see it with their next call. It is stored encrypted, and never shown again.',
  })
  return form('Set secret', [name.row, value.row], async () => {
    await api('PUT', `${place.api}/functions/secrets/${name.read()}`, { value: value.read() })
    showAgain(notice(`${name.read()} is set.`))
  })
}
