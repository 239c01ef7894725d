import { api } from '../api.ts'
import { element } from '../elements.ts'
import { optionalField, switchField, wordsField } from '../fields.ts'
import { form } from '../form.ts'
import { notice } from '../notices.ts'
import { lookOnly, type Place } from '../project-frame.ts'
import { show } from '../show-page.ts'
import { nameOf, type User } from './users.ts'

export async function newUserPage(place: Place): Promise<Node[]> {
  const email = optionalField('E-mail', 'email', { type: 'email', autocomplete: 'off' })
  const verified = switchField('The address is verified', 'isEmailVerified', false)
  const phone = optionalField('Phone', 'phone', {
    type: 'tel',
    autocomplete: 'off',
    placeholder: '+4915112345678',
  })
  const password = optionalField('Password', 'password', {
    type: 'password',
    autocomplete: 'new-password',
    minLength: 8,
    maxLength: 128,
    hint: 'Without one the user signs in by a code or link, or sets one by a reset.',
  })
  const roles = wordsField(
    'Roles',
    'roles',
    [],
    'Words with spaces between them. Rules see them in auth.roles.',
  )
  const submit = async (): Promise<void> => {
    const given = { email: email.read(), phone: phone.read(), password: password.read() }
    const body = { ...given, isEmailVerified: verified.read(), roles: roles.read() }
    const user = await api<User>('POST', `${place.api}/users`, body)
    show(`${place.console}/users/${user.id}`, [notice(`${nameOf(user)} is there now.`)])
  }
  const rows = [email, verified, phone, password, roles].map(({ row }) => row)
  return [
    element('h1', {}, 'New user'),
    ...lookOnly(place),
    form('Create user', rows, submit, { locked: !place.may('developer') }),
  ]
}
