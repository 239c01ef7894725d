import { api } from './api.ts'
import { element, field, form } from './elements.ts'
import { show } from './show-page.ts'

interface Project {
  ref: string
  name: string
}

interface ApiKey {
  id: string
  name: string
  kind: 'publishable' | 'secret'
  display: string
}

const newPassword = { type: 'password', autocomplete: 'new-password', minLength: 8, maxLength: 128 } as const
const email = { type: 'email', autocomplete: 'username' } as const

/** The link of the first start: whoever has it becomes the first operator. */
export function setupPage(token: string): Node[] {
  const fields = [
    field('Your name', 'name', { autocomplete: 'name' }),
    field('E-mail', 'email', email),
    field('Password (8 characters or more)', 'password', newPassword),
  ]
  return [
    element('h1', {}, 'Welcome to Basalt'),
    element('p', { className: 'lead' }, 'Become the first operator of this server. This link works once.'),
    form('Set up', fields, async (values) => {
      await api('POST', '/operators/setup', { ...values, token })
      show('/console')
    }),
  ]
}

/** The link of an invitation into an organization. */
export function invitationPage(token: string): Node[] {
  const fields = [
    field('Your name', 'name', { autocomplete: 'name' }),
    field('Password', 'password', newPassword),
  ]
  return [
    element('h1', {}, 'You were invited'),
    element('p', { className: 'lead' }, 'Choose a name and a password to join. This link works once.'),
    form('Join', fields, async (values) => {
      await api('POST', '/operators/invitations/accept', { ...values, token })
      show('/console')
    }),
  ]
}

export function signInPage(): Node[] {
  const password = { type: 'password', autocomplete: 'current-password' } as const
  const fields = [field('E-mail', 'email', email), field('Password', 'password', password)]
  return [
    element('h1', {}, 'Sign in'),
    form('Sign in', fields, async (values) => {
      await api('POST', '/operators/sign-in', values)
      show('/console')
    }),
  ]
}

export async function projectsPage(): Promise<Node[]> {
  const { projects } = await api<{ projects: Project[] }>('GET', '/projects')
  const rows = projects.map(({ ref, name }) =>
    element('li', {}, element('a', { href: `/console/projects/${ref}` }, name), element('code', {}, ref)),
  )
  const create = form('Create project', [field('Name', 'name', { maxLength: 100 })], async ({ name }) => {
    const { project, keys } = await api<{ project: Project; keys: { secret: string } }>('POST', '/projects', {
      name,
    })
    show(`/console/projects/${project.ref}`, [secretNotice(keys.secret)])
  })
  return [
    element('h1', {}, 'Projects'),
    rows.length > 0
      ? element('ul', { className: 'rows' }, ...rows)
      : element('p', { className: 'soft' }, 'There is no project yet.'),
    element('h2', {}, 'New project'),
    create,
  ]
}

export async function projectPage(ref: string): Promise<Node[]> {
  const [project, { keys }, { collections }] = await Promise.all([
    api<Project>('GET', `/projects/${ref}`),
    api<{ keys: ApiKey[] }>('GET', `/projects/${ref}/keys`),
    api<{ collections: { name: string }[] }>('GET', `/projects/${ref}/collections`),
  ])
  const publishable = keys.find(({ kind }) => kind === 'publishable')
  return [
    element('h1', {}, project.name),
    element('p', { className: 'lead' }, 'Project ', element('code', {}, ref)),
    element('h2', {}, 'Connect'),
    element('pre', {}, snippet(ref, publishable?.display ?? 'pk_…')),
    element('h2', {}, 'Keys'),
    keyList(ref, keys),
    newSecretKey(ref),
    element('h2', {}, 'Collections'),
    collections.length > 0
      ? element(
          'ul',
          { className: 'rows' },
          ...collections.map(({ name }) => element('li', {}, element('code', {}, name))),
        )
      : element('p', { className: 'soft' }, 'Declare one with PUT /v1/projects/…/collections/{name}.'),
  ]
}

function keyList(ref: string, keys: ApiKey[]): HTMLElement {
  const rows = keys.map(({ id, name, kind, display }) => {
    const revoke = element('button', { className: 'plain', type: 'button' }, 'Revoke')
    revoke.addEventListener('click', () => {
      if (!confirm(`Revoke the key “${name}”? Whoever uses it is refused at once.`)) return
      void api('DELETE', `/projects/${ref}/keys/${id}`).then(() => show(`/console/projects/${ref}`))
    })
    return element('li', {}, element('span', {}, `${name} (${kind})`), element('code', {}, display), revoke)
  })
  return element('ul', { className: 'rows' }, ...rows)
}

function newSecretKey(ref: string): HTMLElement {
  const made = form('Create secret key', [field('Name', 'name', { maxLength: 100 })], async ({ name }) => {
    const { key } = await api<{ key: string }>('POST', `/projects/${ref}/keys`, {
      name,
      kind: 'secret',
    })
    show(`/console/projects/${ref}`, [secretNotice(key)])
  })
  return element('details', {}, element('summary', {}, 'New secret key'), made)
}

function secretNotice(secret: string): HTMLElement {
  const text = 'The secret key is shown only now. Keep it on servers.'
  return element(
    'div',
    { className: 'card', role: 'status' },
    element('strong', {}, text),
    element('code', {}, secret),
  )
}

function snippet(ref: string, key: string): string {
  return `import { createClient } from '@basalt/client'

const basalt = createClient({
  url: '${location.origin}',
  project: '${ref}',
  key: '${key}',
})`
}
