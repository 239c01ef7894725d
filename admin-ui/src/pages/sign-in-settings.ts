import { actionButton } from '../action-button.ts'
import { api } from '../api.ts'
import { ask } from '../ask.ts'
import {
  type AuthSettings,
  changeAuthSettings,
  readAuthSettings,
  type SettingsChange,
  type ShownSettings,
} from '../auth-settings.ts'
import { badge, element, empty, link } from '../elements.ts'
import { form } from '../form.ts'
import { notice, notify } from '../notices.ts'
import { lookOnly, type Place } from '../project-frame.ts'
import { settingsGroups } from '../settings-groups.ts'
import { table } from '../table.ts'
import { titleOf } from './provider.ts'

/** Everything that says how users sign in. Saving sends the groups that differ from what is stored. */
export async function signInSettingsPage(place: Place): Promise<Node[]> {
  let stored = await readAuthSettings(place)
  const groups = settingsGroups.map((make) => make(stored))
  const submit = async (): Promise<string> => {
    const change = merge(groups.map((group) => group.read()))
    const settings = Object.fromEntries(
      Object.entries(change.settings ?? {}).filter(([name, value]) => differs(stored.settings, name, value)),
    )
    stored = await changeAuthSettings(place, { ...change, settings })
    return 'Saved.'
  }
  const sections = groups.map(({ title, about, fields }) =>
    element(
      'fieldset',
      { className: 'card' },
      element('legend', {}, title),
      ...(about === undefined ? [] : [element('p', { className: 'hint' }, about)]),
      ...fields.map(({ row }) => row),
    ),
  )
  return [
    element('h1', {}, 'Sign-in'),
    ...lookOnly(place),
    element('h2', {}, 'Providers'),
    ...providers(place, stored),
    element('h2', {}, 'Settings'),
    form('Save settings', sections, submit, { className: 'long', locked: !place.may('developer') }),
    element('h2', {}, 'Signing keys'),
    ...signingKeys(place),
  ]
}

function differs(stored: AuthSettings, name: string, value: unknown): boolean {
  const before = Object.entries(stored).find(([one]) => one === name)?.[1] ?? null
  return sorted(before) !== sorted(value)
}

/** Whatever the order of the keys. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
}

function merge(changes: SettingsChange[]): SettingsChange {
  return {
    settings: Object.assign({}, ...changes.map(({ settings }) => settings ?? {})),
    secrets: Object.assign({}, ...changes.map(({ secrets }) => secrets ?? {})),
  }
}

function providers(place: Place, { settings, secrets }: ShownSettings): Node[] {
  const path = `${place.console}/sign-in`
  const rows = Object.entries(settings.providers)
  type Row = (typeof rows)[number]
  const columns = [
    { label: 'Provider', cell: ([name]: Row) => link(`${path}/providers/${name}`, titleOf(name)) },
    {
      label: 'State',
      cell: ([, { enabled }]: Row) => (enabled ? badge('on', 'good') : badge('off')),
    },
    { label: 'Client id', cell: ([, { clientId }]: Row) => element('code', {}, clientId) },
    {
      label: 'Secret',
      cell: ([name]: Row) => (secrets.providers[name]?.isSet === true ? 'is set' : badge('none')),
    },
  ]
  const add = link(`${path}/new-provider`, 'Add a provider', 'button')
  return [
    rows.length > 0
      ? table('Providers', columns, rows)
      : empty('Users can’t sign in with Google, Apple, GitHub or others yet.'),
    ...(place.may('developer') ? [element('div', { className: 'actions' }, add)] : []),
  ]
}

function signingKeys(place: Place): Node[] {
  const keys = `/v1${place.api}/auth/.well-known/jwks.json`
  const rotate = actionButton('Rotate the key', async () => {
    const text = 'New tokens are signed by a new key. Those of the old one stay good until they end.'
    if (!(await ask('Rotate the signing key?', text, 'Rotate'))) return
    await api('POST', `${place.api}/auth/keys/rotate`)
    notify(notice('Tokens are signed by a new key now.'))
  })
  return [
    element('p', {}, 'Other services verify access tokens with the ', link(keys, 'public keys'), '.'),
    ...(place.may('developer') ? [element('div', { className: 'actions' }, rotate)] : []),
  ]
}
