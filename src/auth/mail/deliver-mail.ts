import type { Config } from '../../config.ts'
import type { Mail } from '../../platform/generated/client.ts'
import type { Project } from '../../projects/project.ts'
import { toProject } from '../../projects/projects.ts'
import type { Auth } from '../auth.ts'
import type { LoadedAuthSettings } from '../settings/settings-store.ts'
import { sendSms } from './send-sms.ts'
import { hasSmtp, sendBySmtp } from './smtp.ts'

/** How long a node may take for one mail before another takes it for lost. Above all timeouts together. */
export const leaseMs = 90_000

// 1, 2, 4 … minutes apart: two hours in all. After that a code is worth nothing.
const maxAttempts = 8

export function hasSender(config: Config, loaded: LoadedAuthSettings, template: string): boolean {
  return template === 'sms_code' ? loaded.settings.smsSender !== undefined : hasSmtp(config, loaded)
}

/** Tries once. What was sent keeps no text: it may hold a code, and the reader has it. */
export async function deliverMail(auth: Auth, project: Project, mail: Mail): Promise<void> {
  const { control, config, log } = auth.services
  const { id, recipient, template, subject, text, html, attempts } = mail
  try {
    const loaded = await auth.settings.of(project)
    if (template === 'sms_code') await sendSms(config, loaded, { id, to: recipient, text })
    else await sendBySmtp(config, loaded, recipient, { subject, text, html })
    const empty = { subject: '', text: '', html: '' }
    await control.mail.updateMany({
      where: { id },
      data: { ...empty, sentAt: new Date(), nextAttemptAt: null, error: null },
    })
  } catch (error) {
    const isLast = attempts + 1 >= maxAttempts
    const reason = error instanceof Error ? error.message : String(error)
    log.warn({ err: error, project: project.ref, template, attempts }, 'a mail was not sent')
    await control.mail.updateMany({
      where: { id },
      data: {
        error: reason.replaceAll('\0', '').slice(0, 300),
        attempts: attempts + 1,
        nextAttemptAt: isLast ? null : new Date(Date.now() + 60_000 * 2 ** attempts),
      },
    })
  }
}

/** Takes up what nobody is sending: mails whose time has come again, and those of a node that died. */
export async function deliverDueMails(auth: Auth): Promise<void> {
  const { control } = auth.services
  const claimed = await control.$queryRaw<{ id: string }[]>`
    UPDATE basalt.mails
    SET next_attempt_at = now() + make_interval(secs => ${leaseMs / 1000})
    WHERE id IN (
      SELECT id
      FROM basalt.mails
      WHERE next_attempt_at <= now()
      ORDER BY next_attempt_at
      LIMIT 100
      FOR UPDATE SKIP LOCKED
    )
    RETURNING id`
  const mails = await control.mail.findMany({
    where: { id: { in: claimed.map(({ id }) => id) } },
    include: { project: true },
  })
  for (const { project, ...mail } of mails) {
    auth.behind.run('mail', () => deliverMail(auth, toProject(auth.services, project), mail))
  }
}

/** Mails are shown for a week; codes that ended are of no use to anybody. */
export async function trimMails({ services: { control } }: Auth): Promise<void> {
  const now = Date.now()
  await control.mail.deleteMany({ where: { createdAt: { lt: new Date(now - 7 * 86_400_000) } } })
  await control.oneTimeCode.deleteMany({ where: { expiresAt: { lt: new Date(now - 86_400_000) } } })
}
