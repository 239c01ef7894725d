import { ApiError } from '../../platform/errors.ts'
import type { Invitation, Membership, Operator } from '../../platform/generated/client.ts'
import type { OrganizationRole } from '../../platform/generated/enums.ts'
import { hashSecret, newId, newSecret } from '../../platform/ids.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Services } from '../../platform/services.ts'
import type { OperatorActor } from '../actor.ts'
import { normaliseEmail } from '../operators/create-operator.ts'
import type { Projects } from '../projects.ts'
import { type AuditSource, recordAudit } from '../record-audit.ts'
import { lockOrganization, memberRole, requireAtLeast } from './membership.ts'

export type AddedMember =
  | { kind: 'member'; member: Membership & { operator: Operator } }
  | { kind: 'invitation'; invitation: Invitation; link: string }

const invitationDays = 7
const maxMembers = 500

/**
 * Adds an operator, or invites somebody who is none yet: then the link is theirs, once. A second invitation
 * replaces the first. Throws `already_exists` for members and `forbidden` for roles above the actor's own.
 */
export async function addMember(
  { config, control }: Services,
  projects: Projects,
  actor: OperatorActor,
  input: { organizationId: string; email: string; role: OrganizationRole },
  request: AuditSource,
): Promise<AddedMember> {
  const email = normaliseEmail(input.email)
  const { organizationId, role } = input
  const added = await control.$transaction(async (tx): Promise<AddedMember> => {
    await lockOrganization(tx, organizationId)
    requireAtLeast(await memberRole(tx, organizationId, actor.operatorId), 'admin', role)
    await requireRoom(tx, organizationId)
    const operator = await tx.operator.findUnique({ where: { email } })
    await recordAudit(tx, {
      actor,
      action: operator === null ? 'member.invite' : 'member.add',
      target: operator?.id ?? email,
      organizationId,
      detail: { email, role },
      request,
    })
    if (operator === null) return invite(tx, config.publicUrl, { organizationId, email, role })
    return { kind: 'member', member: { ...(await join(tx, organizationId, operator.id, role)), operator } }
  })
  if (added.kind === 'member') projects.credentials.operatorChanged(added.member.operatorId)
  return added
}

async function requireRoom(tx: ControlPlaneTransaction, organizationId: string): Promise<void> {
  const members = await tx.membership.count({ where: { organizationId } })
  const invitations = await tx.invitation.count({ where: { organizationId } })
  if (members + invitations < maxMembers) return
  throw new ApiError('conflict', `An organization has at most ${maxMembers} members and invitations.`)
}

async function join(
  tx: ControlPlaneTransaction,
  organizationId: string,
  operatorId: string,
  role: OrganizationRole,
): Promise<Membership> {
  const where = { organizationId_operatorId: { organizationId, operatorId } }
  if ((await tx.membership.findUnique({ where })) !== null) {
    throw new ApiError('already_exists', 'This operator is a member already.')
  }
  return tx.membership.create({ data: { organizationId, operatorId, role } })
}

async function invite(
  tx: ControlPlaneTransaction,
  publicUrl: string,
  whom: { organizationId: string; email: string; role: OrganizationRole },
): Promise<AddedMember> {
  const token = newSecret('in_')
  const { organizationId, email } = whom
  await tx.invitation.deleteMany({ where: { organizationId, email } })
  const invitation = await tx.invitation.create({
    data: {
      ...whom,
      id: newId(),
      tokenHash: hashSecret(token),
      expiresAt: new Date(Date.now() + invitationDays * 86_400_000),
    },
  })
  return { kind: 'invitation', invitation, link: `${publicUrl}/console/invitation#token=${token}` }
}
