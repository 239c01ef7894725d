import { actionButton } from '../action-button.ts'
import { ask } from '../ask.ts'
import { changeAuthSettings, type Provider, readAuthSettings } from '../auth-settings.ts'
import { element, link } from '../elements.ts'
import {
  choiceField,
  linesField,
  optionalField,
  secretField,
  showWhile,
  switchField,
  textField,
  wordsField,
} from '../fields.ts'
import { form } from '../form.ts'
import { notice } from '../notices.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'
import { show } from '../show-page.ts'

const titles: Record<string, string> = {
  google: 'Google',
  apple: 'Apple',
  github: 'GitHub',
  microsoft: 'Microsoft',
  facebook: 'Facebook',
  discord: 'Discord',
  gitlab: 'GitLab',
  linkedin: 'LinkedIn',
}

export function titleOf(name: string): string {
  return titles[name] ?? name
}

export async function newProviderPage(place: Place): Promise<Node[]> {
  const { settings } = await readAuthSettings(place)
  const known = Object.entries(titles).filter(([name]) => settings.providers[name] === undefined)
  const choice = choiceField('Provider', 'provider', [...known, ['', 'Another, by OpenID Connect']], 'google')
  const own = textField('Its name', 'name', {
    required: false,
    pattern: '[a-z][a-z0-9-]{0,31}',
    placeholder: 'company',
    hint: 'Small letters, digits and hyphens. It stands in the callback address.',
  })
  showWhile(choice, (chosen) => chosen === '', [own])
  const submit = async (): Promise<void> => {
    const name = choice.read() || own.read()
    if (name === '') throw new Error('Give the provider a name.')
    show(`${place.console}/sign-in/providers/${encodeURIComponent(name)}`)
  }
  return [
    link(`${place.console}/sign-in`, '← Sign-in'),
    element('h1', {}, 'Add a provider'),
    ...lookOnly(place),
    form('Continue', [choice.row, own.row], submit, { locked: !place.may('developer') }),
  ]
}

/** One that is set, or one that is not yet. */
export async function providerPage(place: Place, { params }: At): Promise<Node[]> {
  const name = params['name'] ?? ''
  const { settings, secrets } = await readAuthSettings(place)
  const present = settings.providers[name]
  const isOwn = titles[name] === undefined
  const path = `settings.providers.${name}`
  const enabled = switchField('Users can sign in with it', `${path}.enabled`, present?.enabled ?? true)
  const clientId = textField('Client id', `${path}.clientId`, {
    value: present?.clientId ?? '',
    autocomplete: 'off',
  })
  const hint = name === 'apple' ? 'The private key of the developer account, in PEM.' : ''
  const secret = secretField(
    'Client secret',
    `secrets.providers.${name}`,
    secrets.providers[name]?.isSet ?? false,
    hint,
  )
  const issuer = optionalField('Issuer', `${path}.issuer`, {
    type: 'url',
    value: present?.issuer ?? '',
    required: isOwn,
    placeholder: 'https://login.example.com',
    hint: 'Where the provider is found.',
  })
  const team = optionalField('Team id', `${path}.teamId`, { value: present?.teamId ?? '' })
  const key = optionalField('Key id', `${path}.keyId`, { value: present?.keyId ?? '' })
  const scopes = wordsField('Scopes', `${path}.scopes`, present?.scopes ?? [], 'Empty: what a sign-in needs.')
  const audiences = linesField(
    'Client ids of native apps',
    `${path}.audiences`,
    present?.audiences ?? [],
    'One a line. Their id tokens are taken too.',
  )
  const submit = async (): Promise<void> => {
    const provider: Provider = {
      enabled: enabled.read(),
      clientId: clientId.read(),
      ...(isOwn && optional('issuer', issuer.read())),
      ...(name === 'apple' && { ...optional('teamId', team.read()), ...optional('keyId', key.read()) }),
      ...(scopes.read().length > 0 && { scopes: scopes.read() }),
      ...(audiences.read().length > 0 && { audiences: audiences.read() }),
    }
    await store(place, name, provider, secret.read())
    show(`${place.console}/sign-in`, [notice(`${titleOf(name)} is saved.`)])
  }
  const remove = actionButton('Remove provider', async () => {
    const text =
      'Users who have no other way in can’t come back. What is known of their accounts there stays.'
    if (!(await ask(`Remove ${titleOf(name)}?`, text, 'Remove'))) return
    await store(place, name, undefined, null)
    show(`${place.console}/sign-in`, [notice(`${titleOf(name)} is removed.`)])
  })
  const special = [...(isOwn ? [issuer] : []), ...(name === 'apple' ? [team, key] : [])]
  const rows = [enabled, clientId, secret, ...special, scopes, audiences].map(({ row }) => row)
  const mayChange = place.may('developer')
  return [
    link(`${place.console}/sign-in`, '← Sign-in'),
    element('h1', {}, titleOf(name)),
    ...lookOnly(place),
    element(
      'p',
      {},
      'Register this callback address with the provider, with the public address of your server:',
    ),
    element(
      'pre',
      { className: 'wrap' },
      `${location.origin}/v1${place.api}/auth/sign-in/oauth/${name}/callback`,
    ),
    form('Save provider', rows, submit, { locked: !mayChange }),
    ...(mayChange && present !== undefined ? [element('div', { className: 'actions' }, remove)] : []),
  ]
}

function optional(name: keyof Provider, value: string | undefined): Partial<Provider> {
  return value === undefined ? {} : { [name]: value }
}

async function store(
  place: Place,
  name: string,
  provider: Provider | undefined,
  secret: string | null | undefined,
): Promise<void> {
  // The group is replaced as a whole: others may have changed another provider meanwhile.
  const { settings } = await readAuthSettings(place)
  const { [name]: _before, ...others } = settings.providers
  await changeAuthSettings(place, {
    settings: { providers: provider === undefined ? others : { ...others, [name]: provider } },
    ...(secret !== undefined && { secrets: { providers: { [name]: secret } } }),
  })
}
