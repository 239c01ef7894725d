import { actionButton } from '../action-button.ts'
import { api } from '../api.ts'
import { ask } from '../ask.ts'
import { element, facts, link, time } from '../elements.ts'
import { jsonField, optionalField, switchField, textField, wordsField } from '../fields.ts'
import { form } from '../form.ts'
import { mergePatch } from '../merge-patch.ts'
import { notice, secretNotice } from '../notices.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'
import { show, showAgain } from '../show-page.ts'
import { type Factors, factorList } from './user-factors.ts'
import { type Session, sessionList } from './user-sessions.ts'
import { waysIn } from './user-ways-in.ts'
import { badgesOf, nameOf, type User } from './users.ts'

export async function userPage(place: Place, { params }: At): Promise<Node[]> {
  const path = `${place.api}/users/${encodeURIComponent(params['id'] ?? '')}`
  const [user, { sessions }, factors] = await Promise.all([
    api<User>('GET', path),
    api<{ sessions: Session[] }>('GET', `${path}/sessions`),
    api<Factors>('GET', `${path}/factors`),
  ])
  return [
    link(`${place.console}/users`, '← Users'),
    element('h1', {}, nameOf(user)),
    badgesOf(user) as Node,
    ...lookOnly(place),
    about(user),
    element('h2', {}, 'Account'),
    account(place, path, user),
    element('h2', {}, 'Ways in'),
    ...waysIn(place, path, user),
    ...(place.may('developer') ? [newPassword(path)] : []),
    element('h2', {}, 'Second factors and passkeys'),
    ...factorList(place, path, factors),
    element('h2', {}, 'Sessions'),
    ...sessionList(place, path, sessions),
    ...(place.may('developer') ? [element('h2', {}, 'Manage'), care(place, path, user)] : []),
  ]
}

function about({ id, createdAt, updatedAt, lastSignInAt, suspendedAt }: User): HTMLElement {
  return facts(
    ['Id', element('code', {}, id)],
    ['Signed up', time(createdAt)],
    ['Changed', time(updatedAt)],
    ['Last sign-in', time(lastSignInAt)],
    ...(suspendedAt === null ? [] : [['Suspended', time(suspendedAt)] as [string, Node]]),
  )
}

function account(place: Place, path: string, user: User): HTMLElement {
  const email = optionalField('E-mail', 'email', {
    type: 'email',
    value: user.email ?? '',
    autocomplete: 'off',
  })
  const emailVerified = switchField('The address is verified', 'isEmailVerified', user.isEmailVerified)
  const phone = optionalField('Phone', 'phone', { type: 'tel', value: user.phone ?? '', autocomplete: 'off' })
  const phoneVerified = switchField('The number is verified', 'isPhoneVerified', user.isPhoneVerified)
  const roles = wordsField('Roles', 'roles', user.roles, 'Words with spaces between them.')
  const profile = jsonField('Profile', 'profile', user.profile, 'The user may change it too.')
  const claims = jsonField('Claims', 'claims', user.claims, 'Stand in tokens; only here and by servers.')
  const submit = async (): Promise<void> => {
    const after = {
      email: email.read() ?? null,
      isEmailVerified: emailVerified.read(),
      phone: phone.read() ?? null,
      isPhoneVerified: phoneVerified.read(),
      roles: roles.read(),
      profile: profile.read(),
      claims: claims.read(),
    }
    const before = Object.fromEntries(Object.entries(user).filter(([name]) => name in after))
    const patch = mergePatch(before, after)
    if (Object.keys(patch).length > 0) await api('PATCH', path, patch)
    showAgain(notice('The account is saved.'))
  }
  const rows = [email, emailVerified, phone, phoneVerified, roles, profile, claims].map(({ row }) => row)
  return form('Save account', rows, submit, { locked: !place.may('developer') })
}

function newPassword(path: string): HTMLElement {
  const password = textField('New password', 'password', {
    type: 'password',
    autocomplete: 'new-password',
    minLength: 8,
    maxLength: 128,
    hint: 'Ends all sessions of the user.',
  })
  const made = form('Set password', [password.row], async () => {
    await api('PATCH', path, { password: password.read() })
    showAgain(notice('The password is set, and the user is signed out everywhere.'))
  })
  return element('details', {}, element('summary', {}, 'Set a password'), made)
}

function care(place: Place, path: string, user: User): HTMLElement {
  return element(
    'ul',
    { className: 'rows' },
    careRow(...suspension(path, user)),
    ...(place.may('admin') ? [careRow(...impersonation(path, user))] : []),
    careRow(...deletion(place, path, user)),
  )
}

function careRow(text: string, button: HTMLElement): HTMLElement {
  return element('li', {}, element('span', {}, text), button)
}

function suspension(path: string, user: User): [string, HTMLElement] {
  const name = nameOf(user)
  if (user.suspendedAt !== null) {
    const reinstate = actionButton('Reinstate', async () => {
      await api('PATCH', path, { suspended: false })
      showAgain(notice(`${name} may sign in again.`))
    })
    return ['The user can’t sign in. Reinstated, they can.', reinstate]
  }
  const suspend = actionButton('Suspend', async () => {
    const text = 'All sessions end at once, and nobody signs in as this user until you reinstate them.'
    if (!(await ask(`Suspend ${name}?`, text, 'Suspend'))) return
    await api('PATCH', path, { suspended: true })
    showAgain(notice(`${name} is suspended.`))
  })
  return ['Suspended users are signed out, and can’t sign in.', suspend]
}

function impersonation(path: string, user: User): [string, HTMLElement] {
  const button = actionButton('Impersonate', async () => {
    const text =
      'You get tokens with which you act as this person for an hour, and see what they see. The tokens name you, and so does the audit log. Do it only with a reason that you can tell.'
    if (!(await ask(`Act as ${nameOf(user)}?`, text, 'Act as this user'))) return
    const session = await api<{ accessToken: string; refreshToken: string }>('POST', `${path}/impersonate`)
    const warning = `With these tokens you act as ${nameOf(user)} for an hour. They are shown only now.`
    const tokens = [
      ['Access token', session.accessToken],
      ['Refresh token', session.refreshToken],
    ] as const
    showAgain(secretNotice(warning, ...tokens.map(([label, value]): [string, string] => [label, value])))
  })
  return ['Act as the user, to see what they see. It is in the audit log.', button]
}

function deletion(place: Place, path: string, user: User): [string, HTMLElement] {
  const name = nameOf(user)
  const button = actionButton(
    'Delete',
    async () => {
      const text =
        'The account goes for good, with its sessions, identities and factors. What the user wrote into collections stays.'
      if (!(await ask(`Delete ${name}?`, text, 'Delete for good'))) return
      await api('DELETE', path)
      show(`${place.console}/users`, [notice(`${name} is deleted.`)])
    },
    'danger',
  )
  return ['Deleted users never come back.', button]
}
