import { createHash } from 'node:crypto'
import { ApiError } from '../../platform/errors.ts'
import type { ControlPlane, ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { SecretBox } from '../../platform/secret-box.ts'
import type { Actor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'
import type { Functions } from '../functions.ts'

/** A project's secrets, open: for the isolates of its functions and nobody else. */
export interface SecretValues {
  values: Readonly<Record<string, string>>
  /** Another one after each change: functions are loaded anew. */
  hash: string
}

const maxSecrets = 100

export async function readSecrets(
  control: ControlPlane,
  box: SecretBox,
  projectId: string,
): Promise<SecretValues> {
  const rows = await control.functionSecret.findMany({ where: { projectId }, orderBy: { name: 'asc' } })
  const pairs = rows.map(({ name, sealed }): [string, string] => [
    name,
    box.open(sealed, secretContext(projectId, name)),
  ])
  const hash = createHash('sha256').update(JSON.stringify(pairs)).digest('hex').slice(0, 12)
  return { values: Object.fromEntries(pairs), hash }
}

export interface SecretChange {
  project: Project
  actor: Actor
  name: string
  request: AuditSource
}

/** Sets a secret, which running functions see with their next call. */
export async function putSecret(functions: Functions, change: SecretChange, value: string): Promise<void> {
  const { project, name } = change
  const sealed = functions.box.seal(value, secretContext(project.id, name))
  await functions.services.control.$transaction(async (tx) => {
    const others = await tx.functionSecret.count({ where: { projectId: project.id, NOT: { name } } })
    if (others >= maxSecrets) throw new ApiError('conflict', `A project has at most ${maxSecrets} secrets.`)
    const key = { projectId: project.id, name }
    await tx.functionSecret.upsert({
      where: { projectId_name: key },
      create: { ...key, sealed },
      update: { sealed },
    })
    await recordAudit(tx, auditOf(change, 'secret.put'))
  })
  functions.versions.changed(project.id)
}

/** Encrypts them anew, after the master key was changed. */
export async function resealFunctionSecrets(tx: ControlPlaneTransaction, box: SecretBox): Promise<void> {
  for (const { projectId, name, sealed } of await tx.functionSecret.findMany()) {
    const context = secretContext(projectId, name)
    await tx.functionSecret.update({
      where: { projectId_name: { projectId, name } },
      data: { sealed: box.seal(box.open(sealed, context), context) },
    })
  }
}

/** Whether there was one. */
export async function deleteSecret(functions: Functions, change: SecretChange): Promise<boolean> {
  const { project, name } = change
  const isDeleted = await functions.services.control.$transaction(async (tx) => {
    const { count } = await tx.functionSecret.deleteMany({ where: { projectId: project.id, name } })
    if (count > 0) await recordAudit(tx, auditOf(change, 'secret.delete'))
    return count > 0
  })
  functions.versions.changed(project.id)
  return isDeleted
}

function auditOf(
  { project, actor, name, request }: SecretChange,
  action: string,
): Parameters<typeof recordAudit>[1] {
  return {
    actor,
    action,
    target: name,
    organizationId: project.organizationId,
    projectId: project.id,
    request,
  }
}

/** A ciphertext that is copied to another project or name does not open there. */
function secretContext(projectId: string, name: string): string {
  return `${projectId} ${name}`
}
