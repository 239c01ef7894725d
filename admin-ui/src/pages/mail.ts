import { actionButton } from '../action-button.ts'
import { api } from '../api.ts'
import { type Child, element, empty, facts, link, time } from '../elements.ts'
import { mailFrame } from '../mail-frame.ts'
import { notice } from '../notices.ts'
import type { At, Place } from '../project-frame.ts'
import { showAgain } from '../show-page.ts'
import { type Mail, stateBadge } from './outbox.ts'

export async function mailPage(place: Place, { params }: At): Promise<Node[]> {
  const path = `${place.api}/auth/mails/${encodeURIComponent(params['id'] ?? '')}`
  const mail = await api<Mail>('GET', path)
  const retry = actionButton('Send now', async () => {
    await api('POST', `${path}/retry`)
    showAgain(notice('The mail is being sent; look again in a moment.'))
  })
  const maySend = mail.state !== 'sent' && place.may('developer')
  return [
    link(`${place.console}/mail`, '← Outbox'),
    element('h1', {}, mail.subject || mail.template.replaceAll('_', ' ')),
    facts(
      ['To', mail.recipient],
      ['State', stateBadge(mail.state)],
      ['Template', mail.template],
      ['Written', time(mail.createdAt)],
      ['Sent', time(mail.sentAt, 'not yet')],
      ...(mail.nextAttemptAt === null ? [] : [entry('Next attempt', time(mail.nextAttemptAt))]),
      ...(mail.error === null ? [] : [entry(`Attempt ${mail.attempts} failed`, mail.error)]),
    ),
    ...(maySend ? [element('div', { className: 'actions' }, retry)] : []),
    ...content(place, mail),
  ]
}

function entry(term: string, value: Child): [string, Child] {
  return [term, value]
}

function content(place: Place, { text, html }: Mail): Node[] {
  if (text === null || html === null) {
    const why = place.may('developer')
      ? 'What was sent keeps no text: it may hold a code, and the reader has it.'
      : 'What stands in mails may open accounts, so it is shown to developers only.'
    return [empty(why)]
  }
  return [
    element('h2', {}, 'Text'),
    element('pre', { className: 'wrap' }, ...withLinks(text)),
    ...(html === '' ? [] : [element('h2', {}, 'HTML'), mailFrame(html).frame]),
  ]
}

/** So that links work on a laptop, where mails reach nobody. */
function withLinks(text: string): Child[] {
  return text.split(/(https?:\/\/\S+)/).map((part, index) => {
    const url = index % 2 === 1 ? URL.parse(part) : null
    return url === null
      ? part
      : element('a', { href: url.href, target: '_blank', rel: 'noopener noreferrer' }, part)
  })
}
