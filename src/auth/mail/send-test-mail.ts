import type { Project } from '../../projects/project.ts'
import { limitStrictly } from '../../projects/limit-requests.ts'
import type { Auth } from '../auth.ts'
import { sendBySmtp } from './smtp.ts'

/** Answers with why it was not sent, in the mail server's words; null: the server took it. Counts as a mail of the project. */
export async function sendTestMail(auth: Auth, project: Project, to: string): Promise<string | null> {
  const { config, log } = auth.services
  const loaded = await auth.settings.of(project)
  const max = config.limits.mailsPerHourByProject
  await limitStrictly(auth.projects.rateLimiter, 'mail', project.id, { max, seconds: 3600 })
  try {
    await sendBySmtp(config, loaded, to, {
      subject: 'A test mail',
      text: 'The mail server works.',
      html: '<!doctype html><html><body><p>The mail server works.</p></body></html>',
    })
    return null
  } catch (error) {
    log.warn({ err: error, project: project.ref }, 'a test mail was not sent')
    return (error instanceof Error ? error.message : String(error)).slice(0, 300)
  }
}
