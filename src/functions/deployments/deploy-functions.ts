import { createHash } from 'node:crypto'
import { ApiError, type Issue } from '../../platform/errors.ts'
import type { Prisma } from '../../platform/generated/client.ts'
import { newId } from '../../platform/ids.ts'
import { type Actor, actorLabel } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'
import type { FilterLimits } from '../../query/filter-issues.ts'
import { deploymentInvalid } from '../errors.ts'
import type { Functions } from '../functions.ts'
import { type Bundle, bundleFunctions } from './bundle-functions.ts'
import type { FunctionEntry } from './function-entry.ts'
import { nameFunctions } from './name-functions.ts'
import { packSources, type Upload } from './sources.ts'
import { trialLoad } from './trial-load.ts'
import { syncTasks } from './sync-tasks.ts'
import { checkSubscriber } from '../topics/subscribers.ts'
import { packBundle } from './versions.ts'

export interface NewDeployment extends Upload {
  message: string
  /** 1 switches all calls over, less only this share of them, 0 none. */
  share: number
}

/** What a version is, or would be. */
export interface Prepared {
  hash: string
  entries: FunctionEntry[]
  /** What was accepted, and does not do yet what one may think. */
  warnings: Issue[]
}

export interface Deployed extends Prepared {
  id: string
  createdAt: Date
}

const keptDeployments = 20

/** Bundles and tries out, and keeps nothing: what a version of this would be. Throws 422 with file, line and message. */
export async function prepareFunctions(
  functions: Functions,
  project: Project,
  { files, entries: named, resolutions }: Upload,
): Promise<Prepared & { bundle: Bundle }> {
  const names = nameFunctions(files, named)
  const { bundle, entries } = await functions.deploying(async () => {
    const made = await bundleFunctions(files, names, resolutions)
    const said = await trialLoad(functions, project, names, made.bundle)
    const hashed = said.map((entry) => ({ ...entry, hash: made.hashes.get(entry.name) }))
    return { bundle: made.bundle, entries: hashed }
  })
  checkTogether(entries)
  checkSubscribers(entries, functions.services.config.limits)
  return { bundle, hash: hashOf(bundle), entries, warnings: warningsOf(entries) }
}

/**
 * Bundles, tries out and stores a new version, and switches over to it. Throws 422 with file, line and message when it
 * doesn't bundle or load; what runs goes on running then.
 */
export async function deployFunctions(
  functions: Functions,
  { project, actor, request }: { project: Project; actor: Actor; request: AuditSource },
  { message, share, ...upload }: NewDeployment,
): Promise<Deployed> {
  const { bundle, hash, entries, warnings } = await prepareFunctions(functions, project, upload)
  const packed = await packBundle(bundle)
  const sources = await packSources(upload)
  const deployed = await functions.services.control.$transaction(async (tx) => {
    const row = await tx.functionDeployment.create({
      data: {
        id: newId(),
        projectId: project.id,
        hash,
        // Undefined has no place in JSON.
        manifest: JSON.parse(JSON.stringify(entries)) as Prisma.InputJsonArray,
        bundle: packed,
        sources,
        size: packed.length,
        message,
        createdBy: actorLabel(actor),
      },
    })
    await release(functions, tx, project, row.id, share)
    await dropOld(tx, project.id)
    await recordAudit(tx, {
      actor,
      action: 'functions.deploy',
      target: row.id,
      organizationId: project.organizationId,
      projectId: project.id,
      detail: { hash, share, functions: entries.map(({ name }) => name) },
      request,
    })
    return row
  })
  functions.versions.changed(project.id)
  return { id: deployed.id, hash, createdAt: deployed.createdAt, entries, warnings }
}

type Tx = Parameters<typeof recordAudit>[0]

/** Switches calls over to a version: all, a share, or none. The first version of a project takes all. */
export async function release(
  functions: Functions,
  tx: Tx,
  project: Project,
  id: string,
  share: number,
): Promise<void> {
  const projectId = project.id
  const known = await tx.functionRelease.findUnique({ where: { projectId } })
  if (known === null || share >= 1) {
    const whole = { activeId: id, nextId: null, nextShare: 0 }
    await tx.functionRelease.upsert({ where: { projectId }, create: { projectId, ...whole }, update: whole })
    await syncTasks(functions, tx, project, id)
  } else if (share > 0) {
    await tx.functionRelease.update({ where: { projectId }, data: { nextId: id, nextShare: share } })
  }
}

async function dropOld(tx: Tx, projectId: string): Promise<void> {
  const current = await tx.functionRelease.findUnique({ where: { projectId } })
  const inUse = [current?.activeId, current?.nextId].filter((id) => typeof id === 'string')
  const old = await tx.functionDeployment.findMany({
    where: { projectId, id: { notIn: inUse } },
    orderBy: { id: 'desc' },
    skip: keptDeployments - inUse.length,
    select: { id: true },
  })
  await tx.functionDeployment.deleteMany({ where: { id: { in: old.map(({ id }) => id) } } })
}

/** What functions must not say twice. */
function checkTogether(entries: readonly FunctionEntry[]): void {
  const taken = new Map<string, string>()
  const issues: Issue[] = []
  for (const { kind, settings, file } of entries) {
    const place =
      kind === 'http'
        ? settings.route
        : kind === 'task'
          ? settings.task
          : onePerProject.has(kind)
            ? kind
            : undefined
    if (place === undefined) continue
    const other = taken.get(`${kind} ${place}`)
    if (other !== undefined)
      issues.push({ path: file, code: 'duplicate', message: `${place} is taken by ${other}` })
    taken.set(`${kind} ${place}`, file)
  }
  if (issues.length > 0) throw deploymentInvalid(issues)
}

const onePerProject = new Set<string>(['customClaims'])

function checkSubscribers(entries: readonly FunctionEntry[], limits: FilterLimits): void {
  const issues: Issue[] = []
  for (const entry of entries) {
    if (entry.kind !== 'subscriber') continue
    try {
      checkSubscriber(entry, limits)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const faults = error.errors.map(({ path, code, message }) => ({
        path: entry.file,
        code,
        message: `${path}: ${message}`,
      }))
      issues.push(...faults)
    }
  }
  if (issues.length > 0) throw deploymentInvalid(issues)
}

/** There are no files that they could hear of. They are kept, and run as soon as there are. */
const waitForFiles: ReadonlySet<string> = new Set(['beforeUpload', 'afterUpload'])

function warningsOf(entries: readonly FunctionEntry[]): Issue[] {
  return entries
    .filter(({ kind }) => waitForFiles.has(kind))
    .map(({ kind, file }) => ({
      path: file,
      code: 'not_run_yet',
      message: `this server has no files yet: ${kind} runs from the version on that has them`,
    }))
}

function hashOf({ modules, entries }: Bundle): string {
  const sorted = Object.entries(modules).sort(([one], [other]) => (one < other ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([sorted, entries]))
    .digest('hex')
}
