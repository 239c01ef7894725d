import { ApiError, notFound } from '../../platform/errors.ts'
import type { Mail } from '../../platform/generated/client.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { deliverMail, hasSender, leaseMs } from './deliver-mail.ts'

/**
 * Sends now what was given up, waits for a later attempt, or was kept because there was no server. Answers before it is
 * sent. Throws `conflict` where there is nothing to send, or a node may be sending it at this moment.
 */
export async function retryMail(auth: Auth, project: Project, id: string): Promise<Mail> {
  const { control, config } = auth.services
  const mail = await control.mail.findUnique({ where: { id, projectId: project.id } })
  if (mail === null) throw notFound('The mail')
  if (mail.sentAt !== null) throw new ApiError('conflict', 'The mail was sent.')
  if (!hasSender(config, await auth.settings.of(project), mail.template)) {
    throw new ApiError('conflict', 'There is no server to send it with; set one first.')
  }
  const leaseEnd = new Date(Date.now() + leaseMs)
  // Nobody's lease ends that late, whatever the nodes' clocks say: of two who ask at once, one sends.
  const beyondLeases = new Date(Date.now() + 2 * leaseMs)
  const [claimed] = await control.mail.updateManyAndReturn({
    where: { id, sentAt: null, OR: [{ nextAttemptAt: null }, { nextAttemptAt: { gt: beyondLeases } }] },
    data: { nextAttemptAt: leaseEnd },
  })
  if (claimed === undefined) throw new ApiError('conflict', 'The mail is being sent, or will be in a moment.')
  auth.behind.run('retry mail', () => deliverMail(auth, project, claimed))
  return claimed
}
