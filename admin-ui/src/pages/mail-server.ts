import { actionButton } from '../action-button.ts'
import { api, Refused } from '../api.ts'
import { ask } from '../ask.ts'
import { changeAuthSettings, readAuthSettings } from '../auth-settings.ts'
import { element } from '../elements.ts'
import { numberField, optionalField, secretField, switchField, textField } from '../fields.ts'
import { form } from '../form.ts'
import { mailTabs } from '../mail-tabs.ts'
import { notice } from '../notices.ts'
import { lookOnly, type Place } from '../project-frame.ts'
import { showAgain } from '../show-page.ts'

export async function mailServerPage(place: Place): Promise<Node[]> {
  const { settings, secrets } = await readAuthSettings(place)
  const { smtp } = settings
  const path = 'settings.smtp'
  const host = textField('Host', `${path}.host`, { value: smtp?.host ?? '', placeholder: 'mail.example.com' })
  const port = numberField('Port', `${path}.port`, smtp?.port ?? 587, 1, 65_535)
  const secure = switchField(
    'TLS from the start',
    `${path}.secure`,
    smtp?.secure ?? false,
    'Mostly on port 465. Without it the connection turns to TLS where the server can.',
  )
  const from = textField('Sender', `${path}.from`, {
    value: smtp?.from ?? '',
    placeholder: 'Example <no-reply@example.com>',
  })
  const user = optionalField('User', `${path}.user`, { value: smtp?.user ?? '', autocomplete: 'off' })
  const password = secretField('Password', 'secrets.smtpPassword', secrets.smtpPassword.isSet)
  const submit = async (): Promise<void> => {
    const name = user.read()
    const secret = password.read()
    await changeAuthSettings(place, {
      settings: {
        smtp: {
          host: host.read(),
          port: port.read(),
          secure: secure.read(),
          from: from.read(),
          ...(name !== undefined && { user: name }),
        },
      },
      ...(secret !== undefined && { secrets: { smtpPassword: secret } }),
    })
    showAgain(notice('The mail server is saved. New mails leave by it.'))
  }
  const remove = actionButton('Remove server', async () => {
    const text = 'Mails leave by the default server of this installation then, or are kept in the outbox.'
    if (!(await ask('Remove the mail server?', text, 'Remove'))) return
    await changeAuthSettings(place, { settings: { smtp: null }, secrets: { smtpPassword: null } })
    showAgain(notice('The mail server is removed.'))
  })
  const mayChange = place.may('developer')
  return [
    element('h1', {}, 'Mail'),
    mailTabs(place, 'Server'),
    ...lookOnly(place),
    element(
      'p',
      { className: 'lead' },
      smtp === undefined
        ? 'The project has no mail server of its own: mails leave by the default one, or are kept in the outbox where there is none.'
        : 'Mails of the project leave by this server.',
    ),
    form(
      'Save server',
      [host, port, secure, from, user, password].map(({ row }) => row),
      submit,
      {
        locked: !mayChange,
      },
    ),
    ...(mayChange && smtp !== undefined ? [element('div', { className: 'actions' }, remove)] : []),
    ...(mayChange ? [element('h2', {}, 'Try it'), testMail(place)] : []),
  ]
}

function testMail(place: Place): HTMLElement {
  const to = textField('To', 'to', { type: 'email', autocomplete: 'email' })
  return form('Send a test mail', [to.row], async () => {
    const path = `${place.api}/auth/mails/test`
    const { error } = await api<{ error: string | null }>('POST', path, { to: to.read() })
    if (error !== null) throw new Refused(`It was not sent: ${error}`)
    return 'The mail server took it.'
  })
}
