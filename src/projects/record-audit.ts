import type { FastifyRequest } from 'fastify'
import type { Prisma } from '../platform/generated/client.ts'
import { newId } from '../platform/ids.ts'
import type { ControlPlaneTransaction } from '../platform/prisma.ts'
import type { Actor } from './actor.ts'

/** Where a change came from. */
export type AuditSource = Pick<FastifyRequest, 'ip' | 'id'>

export interface AuditRecord {
  actor: Actor
  /** `noun.verb`: `key.create`, `member.change_role`. */
  action: string
  /** What was changed: an id, a ref or a name. */
  target: string
  organizationId: string | null
  projectId?: string
  /** Never a secret: it is shown to every viewer. */
  detail?: Prisma.InputJsonObject
  request: AuditSource
}

/** Writes who changed what, in the transaction of the change: neither is there without the other. */
export async function recordAudit(tx: ControlPlaneTransaction, record: AuditRecord): Promise<void> {
  const { actor, action, target, organizationId, request } = record
  await tx.auditEntry.create({
    data: {
      id: newId(),
      organizationId,
      projectId: record.projectId ?? null,
      actorKind: actor.kind,
      actorId: actorId(actor),
      action,
      target,
      detail: record.detail ?? {},
      ip: request.ip,
      requestId: request.id,
    },
  })
}

function actorId(actor: Actor): string {
  switch (actor.kind) {
    case 'anonymous':
      return ''
    case 'user':
      return actor.uid
    case 'key':
      return actor.keyId
    case 'operator':
      return actor.operatorId
    case 'function':
      return actor.name
  }
}
