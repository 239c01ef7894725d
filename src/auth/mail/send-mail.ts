import type { Mail } from '../../platform/generated/client.ts'
import { newId } from '../../platform/ids.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import type { TemplateName } from './default-templates.ts'
import { deliverMail, hasSender, leaseMs } from './deliver-mail.ts'
import { chooseTemplate, type MailData, renderMail } from './render-mail.ts'

export interface OutgoingMail {
  template: TemplateName
  /** An e-mail address; a phone number for `sms_code`. */
  to: string
  /** What the reader understands, the best first: `de-AT`. English is always there. */
  languages: readonly string[]
  data: MailData
}

/**
 * Puts a mail into the outbox and hands it to the project's server. Call it behind an answer. It is in the database
 * before it is sent: a node that dies loses none. Never throws for what the mail server does; that is tried again.
 */
export async function sendMail(
  auth: Auth,
  project: Project,
  { template, to, languages, data }: OutgoingMail,
): Promise<void> {
  const { control, log, config } = auth.services
  const max = config.limits.mailsPerHourByProject
  const limit = await auth.projects.rateLimiter.consumeStrictly(`mail ${project.id}`, { max, seconds: 3600 })
  if (!limit.allowed) {
    log.warn(
      { project: project.ref, template },
      'a mail was not sent: the project has sent too many this hour',
    )
    return
  }
  const loaded = await auth.settings.of(project)
  const values = { app: project.name, ...(template === 'sms_code' ? {} : { email: to }), ...data }
  const rendered = renderMail(chooseTemplate(loaded.settings.templates, template, languages), values)
  const leaves = hasSender(config, loaded, template)
  const mail: Mail = await control.mail.create({
    data: {
      id: newId(),
      projectId: project.id,
      recipient: to,
      template,
      ...rendered,
      nextAttemptAt: leaves ? new Date(Date.now() + leaseMs) : null,
    },
  })
  // Never what it says: the outbox shows the code to those who may see it.
  log.info({ project: project.ref, template, recipient: to }, leaves ? 'mail to send' : 'mail in the outbox')
  if (leaves) await deliverMail(auth, project, mail)
}
