import { api } from '../api.ts'
import { type Template, readAuthSettings } from '../auth-settings.ts'
import { badge, element, link } from '../elements.ts'
import { choiceField, textField } from '../fields.ts'
import { form } from '../form.ts'
import { mailTabs } from '../mail-tabs.ts'
import { lookOnly, type Place } from '../project-frame.ts'
import { show } from '../show-page.ts'
import { table } from '../table.ts'

/** A template that comes along. */
export interface BuiltIn {
  name: string
  placeholders: string[]
  languages: Record<string, Template>
}

const purposes: Record<string, string> = {
  verify_email: 'Verify an address',
  sign_in_code: 'Code to sign in',
  magic_link: 'Link to sign in',
  reset_password: 'Reset a password',
  password_changed: 'The password was changed',
  change_email: 'Confirm a new address',
  email_changed: 'Tell the old address',
  account_exists: 'There is an account already',
  sign_in_method_added: 'A way in was added',
  sign_in_method_removed: 'A way in was removed',
  sms_code: 'Code by SMS',
}

export function purposeOf(name: string): string {
  return purposes[name] ?? name
}

export function readBuiltIns(place: Place): Promise<{ templates: BuiltIn[] }> {
  return api('GET', `${place.api}/auth/mails/templates`)
}

export async function mailTemplatesPage(place: Place): Promise<Node[]> {
  const [{ templates }, { settings }] = await Promise.all([readBuiltIns(place), readAuthSettings(place)])
  const columns = [
    { label: 'Mail', cell: ({ name }: BuiltIn) => element('strong', {}, purposeOf(name)) },
    {
      label: 'Languages',
      cell: ({ name, languages }: BuiltIn) => {
        const own = settings.templates[name] ?? {}
        const all = [...new Set([...Object.keys(languages), ...Object.keys(own)])]
        return element(
          'span',
          { className: 'badges' },
          ...all.map((one) => languageLink(place, name, one, one in own)),
        )
      },
    },
    { label: 'Placeholders', cell: ({ placeholders }: BuiltIn) => placeholders.join(', ') },
  ]
  return [
    element('h1', {}, 'Mail'),
    mailTabs(place, 'Templates'),
    ...lookOnly(place),
    element(
      'p',
      { className: 'lead' },
      'Readers get the template in their language, and in English where there is none.',
    ),
    table('Templates', columns, templates),
    ...(place.may('developer') ? [element('h2', {}, 'Another language'), newLanguage(place, templates)] : []),
  ]
}

function languageLink(place: Place, name: string, language: string, isOwn: boolean): HTMLElement {
  const made = link(templatePath(place, name, language), languageName(language))
  return element('span', {}, made, ...(isOwn ? [' ', badge('changed', 'good')] : []))
}

function newLanguage(place: Place, templates: BuiltIn[]): HTMLElement {
  const names = templates.map(({ name }) => [name, purposeOf(name)] as const)
  const name = choiceField('Mail', 'name', names, '')
  const language = textField('Language', 'language', {
    pattern: '[a-z]{2}(-[A-Z]{2})?',
    placeholder: 'fr',
    title: 'Two letters, such as fr, or with a country: pt-BR',
    hint: 'Two letters, such as fr, or with a country: pt-BR.',
  })
  return form('Write it', [name.row, language.row], async () => {
    show(templatePath(place, name.read(), language.read()))
  })
}

function templatePath(place: Place, name: string, language: string): string {
  return `${place.console}/mail/templates/${name}/${language}`
}

export function languageName(language: string): string {
  return new Intl.DisplayNames(undefined, { type: 'language' }).of(language) ?? language
}
