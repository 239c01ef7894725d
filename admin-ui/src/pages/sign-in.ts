import { api } from '../api.ts'
import { element } from '../elements.ts'
import { textField } from '../fields.ts'
import { form } from '../form.ts'
import { showAgain } from '../show-page.ts'

/** In the place of whatever page was asked for, which comes next. */
export function signInPage(): Node[] {
  const email = textField('E-mail', 'email', { type: 'email', autocomplete: 'username', autofocus: true })
  const password = textField('Password', 'password', { type: 'password', autocomplete: 'current-password' })
  const submit = async (): Promise<void> => {
    await api('POST', '/operators/sign-in', { email: email.read(), password: password.read() })
    showAgain()
  }
  return [
    element('h1', {}, 'Sign in'),
    form('Sign in', [email.row, password.row], submit, { className: 'door' }),
  ]
}
