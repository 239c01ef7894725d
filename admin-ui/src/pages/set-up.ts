import { api } from '../api.ts'
import { element } from '../elements.ts'
import { textField } from '../fields.ts'
import { form } from '../form.ts'
import type { At } from '../project-frame.ts'
import { show } from '../show-page.ts'

/** The link of the first start: whoever has it becomes the first operator. */
export function setUpPage({ token }: At): Node[] {
  const name = textField('Your name', 'name', { autocomplete: 'name', autofocus: true })
  const email = textField('E-mail', 'email', { type: 'email', autocomplete: 'username' })
  const password = textField('Password', 'password', newPassword)
  const submit = async (): Promise<void> => {
    const body = { token, name: name.read(), email: email.read(), password: password.read() }
    await api('POST', '/operators/setup', body)
    show('/console')
  }
  return [
    element('h1', {}, 'Welcome to Basalt'),
    element('p', { className: 'lead' }, 'Become the first operator of this server. This link works once.'),
    form('Set up', [name.row, email.row, password.row], submit, { className: 'door' }),
  ]
}

export const newPassword = {
  type: 'password',
  autocomplete: 'new-password',
  minLength: 8,
  maxLength: 128,
  hint: '8 characters or more.',
} as const
