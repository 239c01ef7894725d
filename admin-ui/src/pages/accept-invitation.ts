import { api } from '../api.ts'
import { element } from '../elements.ts'
import { textField } from '../fields.ts'
import { form } from '../form.ts'
import type { At } from '../project-frame.ts'
import { show } from '../show-page.ts'
import { newPassword } from './set-up.ts'

/** The link of an invitation into an organization. */
export function acceptInvitationPage({ token }: At): Node[] {
  const name = textField('Your name', 'name', { autocomplete: 'name', autofocus: true })
  const password = textField('Password', 'password', newPassword)
  const submit = async (): Promise<void> => {
    const body = { token, name: name.read(), password: password.read() }
    await api('POST', '/operators/invitations/accept', body)
    show('/console')
  }
  return [
    element('h1', {}, 'You were invited'),
    element('p', { className: 'lead' }, 'Choose a name and a password to join. This link works once.'),
    form('Join', [name.row, password.row], submit, { className: 'door' }),
  ]
}
