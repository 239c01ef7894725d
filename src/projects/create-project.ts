import { randomInt } from 'node:crypto'
import { ApiError } from '../platform/errors.ts'
import type { Project as ProjectRow } from '../platform/generated/client.ts'
import { newId } from '../platform/ids.ts'
import type { ControlPlaneTransaction } from '../platform/prisma.ts'
import type { Services } from '../platform/services.ts'
import { quoteName } from '../platform/sql.ts'
import type { OperatorActor } from './actor.ts'
import { chooseOrganization } from './choose-organization.ts'
import { insertKey } from './keys/create-key.ts'
import { projectSchema } from './project.ts'
import { type Projects, toProject } from './projects.ts'
import { type AuditSource, recordAudit } from './record-audit.ts'

export interface CreatedProject {
  row: ProjectRow
  keys: { publishable: string; secret: string }
}

/**
 * Row, schema, what the features keep in it, keys and audit entry in one transaction.
 * Throws `already_exists` for a ref that is or was taken, `forbidden` without the role admin.
 */
export async function createProject(
  services: Services,
  projects: Projects,
  actor: OperatorActor,
  input: { name: string; organizationId?: string; ref?: string },
  request: AuditSource,
): Promise<CreatedProject> {
  const created = await services.control.$transaction(async (tx) => {
    const organizationId = await chooseOrganization(tx, actor.operatorId, input.organizationId)
    const made = await insertProject(services, projects, tx, { ...input, organizationId })
    await recordAudit(tx, {
      actor,
      action: 'project.create',
      target: made.row.ref,
      organizationId,
      projectId: made.row.id,
      detail: { name: input.name },
      request,
    })
    return made
  }, ddlTransaction)
  projects.changed(created.row.ref)
  return created
}

/** Tables of a project are many statements, and the disk may be slow. */
export const ddlTransaction = { timeout: 30_000, maxWait: 5_000 }

/** Makes a project without asking who may: for the first start. */
export async function insertProject(
  services: Services,
  projects: Projects,
  tx: ControlPlaneTransaction,
  { name, organizationId, ref = newRef() }: { name: string; organizationId: string; ref?: string },
): Promise<CreatedProject> {
  const id = newId()
  const isRetired = (await tx.retiredRef.findUnique({ where: { ref } })) !== null
  const { count } = isRetired
    ? { count: 0 }
    : await tx.project.createMany({ data: [{ id, ref, organizationId, name }], skipDuplicates: true })
  if (count === 0) throw new ApiError('already_exists', `The ref ${ref} is taken.`)
  const row = await tx.project.findUniqueOrThrow({ where: { id } })
  const run = (sql: string): Promise<number> => tx.$executeRawUnsafe(sql)
  await run(`CREATE SCHEMA ${quoteName(projectSchema(row))}`)
  await projects.runCreateHooks(run, toProject(services, row))
  const publishable = await insertKey(tx, id, { name: 'Publishable', kind: 'publishable' })
  const secret = await insertKey(tx, id, { name: 'Secret', kind: 'secret' })
  return { row, keys: { publishable: publishable.key, secret: secret.key } }
}

const letters = 'abcdefghijklmnopqrstuvwxyz'

/** 12 characters, 61 bits. */
function newRef(): string {
  const alphabet = `${letters}0123456789`
  const tail = Array.from({ length: 11 }, () => alphabet.charAt(randomInt(alphabet.length)))
  return letters.charAt(randomInt(letters.length)) + tail.join('')
}
