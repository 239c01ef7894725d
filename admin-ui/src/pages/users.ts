import { api, Refused } from '../api.ts'
import { badge, type Child, day, element, empty, link } from '../elements.ts'
import { choiceField, optionalField } from '../fields.ts'
import { form } from '../form.ts'
import { failure } from '../notices.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'
import { show } from '../show-page.ts'
import { pager, table } from '../table.ts'

/** An account at a provider that signs the user in. */
export interface Identity {
  id: string
  provider: string
  subject: string
  email: string | null
}

export interface User {
  id: string
  email: string | null
  isEmailVerified: boolean
  phone: string | null
  isPhoneVerified: boolean
  isAnonymous: boolean
  profile: unknown
  roles: string[]
  claims: unknown
  createdAt: string
  updatedAt: string
  lastSignInAt: string | null
  suspendedAt: string | null
  hasPassword: boolean
  hasSecondFactor: boolean
  identities: Identity[]
}

interface UserPage {
  users: User[]
  nextCursor: string | null
  count: number
}

const searchable = [
  ['email', 'E-mail begins with'],
  ['phone', 'Phone begins with'],
  ['id', 'Id is'],
  ['role', 'Role is'],
] as const

const states = [
  ['', 'Everybody'],
  ['suspended=false', 'Not suspended'],
  ['suspended=true', 'Suspended'],
  ['anonymous=true', 'Anonymous'],
] as const

/** Search and pages; the address holds both, so that they can be gone back to and sent to others. */
export async function usersPage(place: Place, { query }: At): Promise<Node[]> {
  const path = `${place.console}/users`
  const asked = new URLSearchParams(query)
  asked.set('count', 'true')
  const found = await api<UserPage>('GET', `${place.api}/users?${asked.toString()}`).catch(refusal)
  const download = link(`/v1${place.api}/users/export`, 'Export', 'button')
  download.download = 'users.ndjson'
  const make = [
    link(`${place.console}/new-user`, 'New user', 'button first'),
    link(`${place.console}/import-users`, 'Import', 'button'),
  ]
  const isSearch = [...query.keys()].some((key) => key !== 'after')
  return [
    element('h1', {}, 'Users'),
    ...lookOnly(place),
    element('div', { className: 'actions' }, ...(place.may('developer') ? make : []), download),
    search(path, query),
    ...(found instanceof Refused ? [failure(found)] : list(path, query, found, isSearch)),
  ]
}

/** What nobody could be searched by is said under the search, which can be corrected. */
function refusal(error: unknown): Refused {
  if (error instanceof Refused) return error
  throw error
}

function list(
  path: string,
  query: URLSearchParams,
  { users, nextCursor, count }: UserPage,
  isSearch: boolean,
): Node[] {
  const none = isSearch
    ? 'Nobody is like that. Addresses and numbers are found by how they begin.'
    : 'Nobody has signed up yet. Users come by themselves, or you make them here.'
  return [
    element('p', { className: 'soft' }, said(count, isSearch)),
    users.length > 0 ? table('Users', columnsOf(path), users) : empty(none),
    ...pager(path, query, nextCursor),
  ]
}

// What the server counts to.
const maxCounted = 10_000

function said(count: number, isSearch: boolean): string {
  const number = count >= maxCounted ? `${maxCounted.toLocaleString()} or more` : count.toLocaleString()
  return `${number} ${count === 1 ? 'user' : 'users'}${isSearch ? ' found' : ''}`
}

function search(path: string, query: URLSearchParams): HTMLElement {
  const by = searchable.find(([key]) => query.has(key))?.[0] ?? 'email'
  const state = states.find(([filter]) => filter !== '' && query.toString().includes(filter))?.[0] ?? ''
  const key = choiceField('Search by', 'by', searchable, by)
  const text = optionalField('Search for', 'text', { type: 'search', value: query.get(by) ?? '' })
  const filter = choiceField('Who', 'state', states, state)
  const submit = async (): Promise<void> => {
    const asked = new URLSearchParams(filter.read())
    const wanted = text.read()
    if (wanted !== undefined) asked.set(key.read(), wanted)
    show(asked.size === 0 ? path : `${path}?${asked.toString()}`)
  }
  const made = form('Search', [key.row, text.row, filter.row], submit, { className: 'search' })
  made.role = 'search'
  return made
}

function columnsOf(path: string) {
  return [
    { label: 'User', cell: (user: User) => link(`${path}/${user.id}`, nameOf(user)) },
    { label: 'State', cell: (user: User) => badgesOf(user) },
    { label: 'Roles', cell: ({ roles }: User) => roles.join(', ') },
    { label: 'Signed up', cell: ({ createdAt }: User) => day(createdAt) },
    { label: 'Last sign-in', cell: ({ lastSignInAt }: User) => day(lastSignInAt) },
  ]
}

export function nameOf({ email, phone, id }: User): string {
  return email ?? phone ?? id
}

export function badgesOf(user: User): Child {
  const { suspendedAt, isAnonymous, email, isEmailVerified, hasSecondFactor } = user
  return element(
    'span',
    { className: 'badges' },
    ...(suspendedAt === null ? [] : [badge('suspended', 'bad')]),
    ...(isAnonymous ? [badge('anonymous')] : []),
    ...(email !== null && !isEmailVerified ? [badge('unverified')] : []),
    ...(hasSecondFactor ? [badge('second factor', 'good')] : []),
  )
}
