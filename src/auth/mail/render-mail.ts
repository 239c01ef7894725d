import type { Issue } from '../../platform/errors.ts'
import type { AuthSettings } from '../settings/auth-settings.ts'
import {
  defaultLanguage,
  defaultTemplates,
  placeholders,
  type Template,
  type TemplateName,
} from './default-templates.ts'

/** What placeholders stand for. Undefined: nothing, and the paragraph goes. */
export type MailData = Readonly<Partial<Record<(typeof placeholders)[TemplateName][number], string>>>

export interface RenderedMail {
  subject: string
  text: string
  html: string
}

const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g

/** The project's own template where it has one, in the first of the languages that there is. */
export function chooseTemplate(
  own: AuthSettings['templates'],
  name: TemplateName,
  languages: readonly string[],
): Template {
  for (const language of [...languages.flatMap(withBase), defaultLanguage]) {
    const found = own[name]?.[language] ?? defaultTemplates[language]?.[name]
    if (found !== undefined) return found
  }
  throw new Error(`there is no template ${name}`)
}

/** `de-AT` is served by `de` too. */
function withBase(language: string): string[] {
  const [base = language] = language.split('-', 1)
  return base === language ? [language] : [language, base]
}

export function renderMail({ subject, text, html }: Template, data: MailData): RenderedMail {
  const values = new Map(Object.entries(data))
  const kept = text.split(/\r?\n[ \t]*\r?\n/).filter((paragraph) => isComplete(paragraph, values))
  const plain = kept.map((paragraph) => fill(paragraph, values, asIs))
  return {
    // One line: what stands in it, such as a name, must not begin a header of its own.
    subject: fill(subject, values, asIs)
      .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
      .trim(),
    text: plain.join('\n\n'),
    html: html === undefined ? toHtml(kept, values) : fill(html, values, escapeHtml),
  }
}

/** Every placeholder that the mail does not know: it would arrive as it stands. */
export function templateIssues(name: string, template: Template, path: string): Issue[] {
  const known = Object.entries(placeholders).find(([one]) => one === name)?.[1]
  if (known === undefined) {
    return [{ path, code: 'unknown_template', message: `is none of ${Object.keys(placeholders).join(', ')}` }]
  }
  return Object.entries(template).flatMap(([part, text]) =>
    namesIn(text)
      .filter((one) => !known.some((allowed) => allowed === one))
      .map((one) => ({
        path: `${path}.${part}`,
        code: 'unknown_placeholder',
        message: `{{${one}}} is not known here; there are ${known.map((allowed) => `{{${allowed}}}`).join(', ')}`,
      })),
  )
}

function isComplete(paragraph: string, values: ReadonlyMap<string, string>): boolean {
  return namesIn(paragraph).every((name) => values.has(name))
}

function namesIn(text: string): string[] {
  return [...text.matchAll(placeholder)].map(([, name = '']) => name)
}

function fill(text: string, values: ReadonlyMap<string, string>, encode: (value: string) => string): string {
  return text.replaceAll(placeholder, (_, name: string) => encode(values.get(name) ?? ''))
}

function toHtml(paragraphs: readonly string[], values: ReadonlyMap<string, string>): string {
  const body = paragraphs.map((paragraph) => {
    const filled = escapeHtml(paragraph).replaceAll(placeholder, (_, name: string) => {
      const value = escapeHtml(values.get(name) ?? '')
      return name === 'link' ? `<a href="${value}">${value}</a>` : value
    })
    return /^\{\{\s*code\s*\}\}$/.test(paragraph) ? `<p><strong>${filled}</strong></p>` : `<p>${filled}</p>`
  })
  return `<!doctype html><html><body>${body.join('\n')}</body></html>`
}

function asIs(value: string): string {
  return value
}

/** Also for attributes in quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
