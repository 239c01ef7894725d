import { ApiError, forbidden, invalidValue } from '../../platform/errors.ts'
import type { ApiKey } from '../../platform/generated/client.ts'
import type { KeyKind } from '../../platform/generated/enums.ts'
import { hashSecret, newId, newSecret } from '../../platform/ids.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Services } from '../../platform/services.ts'
import type { Actor, Scope } from '../actor.ts'
import type { Project } from '../project.ts'
import type { Projects } from '../projects.ts'
import { type AuditSource, recordAudit } from '../record-audit.ts'

export interface NewKey {
  name: string
  kind: KeyKind
  /** Of secret keys; everything when absent. */
  scopes?: (Scope | '*')[]
  /** ISO 8601, in the future. */
  expiresAt?: string
}

/** The key itself is nowhere but here: for secret keys the database has only the hash. */
export interface CreatedKey {
  row: ApiKey
  key: string
}

const maxKeys = 100

/** Throws `forbidden` when a key would make one that may do more than itself. */
export async function createKey(
  { control }: Services,
  projects: Projects,
  { project, actor }: { project: Project; actor: Actor },
  input: NewKey,
  request: AuditSource,
): Promise<CreatedKey> {
  checkNewKey(actor, input)
  const created = await control.$transaction(async (tx) => {
    if ((await tx.apiKey.count({ where: { projectId: project.id } })) >= maxKeys) {
      throw new ApiError('conflict', `A project has at most ${maxKeys} keys; delete one first.`)
    }
    const made = await insertKey(tx, project.id, input)
    await recordAudit(tx, {
      actor,
      action: 'key.create',
      target: made.row.id,
      organizationId: project.organizationId,
      projectId: project.id,
      detail: { name: input.name, kind: input.kind, scopes: made.row.scopes },
      request,
    })
    return made
  })
  projects.credentials.keysChanged(project.id)
  return created
}

/** Makes a key without asking who may: for the transaction that makes its project. */
export async function insertKey(
  tx: ControlPlaneTransaction,
  projectId: string,
  { name, kind, scopes = ['*'], expiresAt }: NewKey,
): Promise<CreatedKey> {
  const key = newSecret(kind === 'publishable' ? 'pk_' : 'sk_')
  const row = await tx.apiKey.create({
    data: {
      id: newId(),
      projectId,
      name,
      kind,
      tokenHash: hashSecret(key),
      display: kind === 'publishable' ? key : `sk_…${key.slice(-4)}`,
      scopes: kind === 'publishable' ? [] : scopes,
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
    },
  })
  return { row, key }
}

function checkNewKey(actor: Actor, { kind, scopes = ['*'], expiresAt }: NewKey): void {
  if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()) {
    throw invalidValue('expiresAt', 'must be in the future')
  }
  if ((actor.kind !== 'key' && actor.kind !== 'function') || kind === 'publishable') return
  if (actor.scopes.includes('*')) return
  const more = scopes.filter((scope) => !actor.scopes.includes(scope))
  if (more.length > 0) throw forbidden(`A ${actor.kind} can't grant what it lacks: ${more.join(', ')}.`)
}
