import { actionButton } from '../action-button.ts'
import { api, Refused } from '../api.ts'
import { ask } from '../ask.ts'
import { changeAuthSettings, readAuthSettings, type Template } from '../auth-settings.ts'
import { element, link } from '../elements.ts'
import { areaField, textField } from '../fields.ts'
import { form } from '../form.ts'
import { mailFrame } from '../mail-frame.ts'
import { notice } from '../notices.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'
import { show } from '../show-page.ts'
import { languageName, purposeOf, readBuiltIns } from './mail-templates.ts'

const previewAfterMs = 300

/** Edits a template beside what comes of it. */
export async function mailTemplatePage(place: Place, { params }: At): Promise<Node[]> {
  const { name = '', language = '' } = params
  const [{ templates }, { settings }] = await Promise.all([readBuiltIns(place), readAuthSettings(place)])
  const builtIn = templates.find((one) => one.name === name)
  const own = settings.templates[name]?.[language]
  const template = own ?? builtIn?.languages[language] ?? builtIn?.languages['en']
  if (builtIn === undefined || template === undefined) throw new Error('There is no such template.')
  const list = `${place.console}/mail/templates`

  const subject = textField('Subject', 'subject', {
    value: template.subject,
    required: false,
    maxLength: 200,
  })
  const text = areaField('Text', 'text', {
    value: template.text,
    rows: 12,
    required: true,
    hint: 'A paragraph that names what has no value is left out.',
  })
  const html = areaField('HTML', 'html', {
    value: template.html ?? '',
    rows: 6,
    className: 'code',
    hint: 'May be empty: then it is made from the text.',
  })
  const read = (): Template => ({
    subject: subject.read(),
    text: text.read(),
    ...(html.read().trim() !== '' && { html: html.read() }),
  })
  const store = async (content: Template | undefined): Promise<void> => {
    // The group is replaced as a whole: others may have changed another template meanwhile.
    const { settings: present } = await readAuthSettings(place)
    const { [language]: _before, ...others } = present.templates[name] ?? {}
    const languages = content === undefined ? others : { ...others, [language]: content }
    const { [name]: _all, ...rest } = present.templates
    const templates = Object.keys(languages).length === 0 ? rest : { ...rest, [name]: languages }
    await changeAuthSettings(place, { settings: { templates } })
  }
  const editor = form(
    'Save template',
    name === 'sms_code' ? [text.row] : [subject.row, text.row, html.row],
    async () => {
      await withNames(name, language, store(read()))
      show(list, [notice(`“${purposeOf(name)}” in ${languageName(language)} is saved.`)])
    },
    { locked: !place.may('developer') },
  )
  const reset = actionButton('Use the built-in one', async () => {
    const after =
      builtIn.languages[language] === undefined
        ? 'Readers get English then.'
        : 'The text of this page is gone then.'
    if (!(await ask('Remove your template?', after, 'Remove'))) return
    await store(undefined)
    show(list, [notice(`“${purposeOf(name)}” in ${languageName(language)} is the built-in one again.`)])
  })
  const names = builtIn.placeholders.map((one) => element('code', {}, `{{${one}}}`))
  return [
    link(list, '← Templates'),
    element('h1', {}, `${purposeOf(name)}, ${languageName(language)}`),
    ...lookOnly(place),
    element('p', { className: 'badges' }, 'Placeholders', ...names),
    element('div', { className: 'beside' }, editor, preview(place, name, language, editor, read)),
    ...(own !== undefined && place.may('developer') ? [element('div', { className: 'actions' }, reset)] : []),
  ]
}

/** The server calls the fields by their place in the settings, the form by their names. */
async function withNames(name: string, language: string, stored: Promise<void>): Promise<void> {
  await stored.catch((error: unknown) => {
    if (!(error instanceof Refused)) throw error
    const prefix = `settings.templates.${name}.${language}.`
    throw new Refused(
      error.message,
      error.issues.map(({ path, message }) => ({ path: path.replace(prefix, ''), message })),
    )
  })
}

/** Follows what is typed. */
function preview(
  place: Place,
  template: string,
  language: string,
  editor: HTMLElement,
  read: () => Template,
): HTMLElement {
  const subject = element('strong', {})
  const text = element('pre', { className: 'wrap' })
  const { frame, write } = mailFrame('')
  const fault = element('p', { className: 'error', role: 'alert', hidden: true })
  let asked = 0
  const update = async (): Promise<void> => {
    asked += 1
    const mine = asked
    try {
      const body = { template, language, content: read() }
      const shown = await api<Required<Template>>('POST', `${place.api}/auth/mails/preview`, body)
      if (mine !== asked) return
      subject.textContent = shown.subject
      text.textContent = shown.text
      write(shown.html)
      fault.hidden = true
    } catch (error) {
      if (mine !== asked) return
      fault.textContent = faultOf(error)
      fault.hidden = false
    }
  }
  let timer = 0
  editor.addEventListener('input', () => {
    clearTimeout(timer)
    timer = window.setTimeout(() => void update(), previewAfterMs)
  })
  void update()
  const parts = template === 'sms_code' ? [text] : [subject, text, frame]
  const made = element(
    'section',
    { className: 'card preview' },
    element('h2', {}, 'Preview'),
    fault,
    ...parts,
  )
  made.ariaLabel = 'Preview'
  return made
}

function faultOf(error: unknown): string {
  const issues = error instanceof Refused ? error.issues.map(({ message }) => message) : []
  return issues.length > 0 ? issues.join(' ') : String(error)
}
