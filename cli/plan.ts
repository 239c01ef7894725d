import { isDeepStrictEqual } from 'node:util'
import { ApiFault, type Issue } from './api.ts'
import {
  asText,
  compareCollections,
  compareTexts,
  compareValues,
  type Detail,
} from './compare-collections.ts'
import type { ChannelRules, Collection, CollectionAnswer, CollectionDefinition } from './definitions.ts'
import type { Target } from './environments.ts'
import { wrongUsage } from './fault.ts'
import { findPlace, offsetOf } from './find-place.ts'
import { type FolderConfiguration, FolderFaults } from './load-folder.ts'
import { planFunctions } from './plan-functions.ts'
import { isRecord } from './private-file.ts'
import type { PlacedFault } from './project-files.ts'

/** One thing that a deployment does. */
export interface Change {
  sign: '+' | '-' | '~'
  kind: 'collection' | 'channel' | 'settings' | 'functions'
  /** Empty where there is but one of the kind. */
  name: string
  details: Detail[]
  /** What is allowed and probably not wanted. */
  warnings: string[]
  apply(): Promise<unknown>
}

/** What brings a project to what its folder says. */
export interface Plan {
  changes: Change[]
  /** Collections that the folder doesn't name. They stay, with their documents, until somebody names them. */
  strays: { name: string; documents: number | undefined }[]
}

interface Planning {
  target: Target
  folder: FolderConfiguration
  faults: PlacedFault[]
}

/** What a collection is that every project has, and nobody needs to declare. */
const builtIn = new Set(['users'])

/**
 * Asks the server what each part of the folder would change; nothing is changed by it.
 * Throws `FolderFaults` with everything that the server would refuse, each at its place in the folder.
 */
export async function makePlan(
  folderPath: string,
  folder: FolderConfiguration,
  target: Target,
  options: { delete: readonly string[] },
): Promise<Plan> {
  const planning: Planning = { target, folder, faults: [] }
  const changes: Change[] = []
  let strays: Plan['strays'] = []
  if (folder.collections !== undefined) {
    const remote = await readCollections(target)
    changes.push(...(await planCollections(planning, folder.collections, remote)))
    const unnamed = [...remote.keys()].filter((name) => !builtIn.has(name) && !folder.collections?.has(name))
    strays = await Promise.all(
      unnamed.map(async (name) => ({ name, documents: await countDocuments(target, name) })),
    )
  }
  changes.push(...(await planChannels(planning)), ...(await planSettings(planning)))
  if (folder.functions !== undefined)
    changes.push(...(await planFunctions(target, folder.functions, planning.faults)))
  changes.push(...options.delete.map((name) => planDeletion(target, name, strays)))
  if (planning.faults.length > 0)
    throw new FolderFaults(folderPath, planning.faults, [...folder.sources.keys()])
  return { changes, strays: strays.filter(({ name }) => !options.delete.includes(name)) }
}

export async function readCollections({ api, project }: Target): Promise<Map<string, Collection>> {
  const path = `/v1/projects/${project}/collections`
  const { collections } = await api.call<{ collections: Collection[] }>('GET', path)
  return new Map(collections.map((collection) => [collection.name, collection]))
}

export async function readChannelRules({
  api,
  project,
}: Target): Promise<Map<string, Record<string, string>>> {
  const path = `/v1/projects/${project}/channels/rules`
  const { channelRules } = await api.call<{ channelRules: ChannelRules[] }>('GET', path)
  return new Map(channelRules.map(({ pattern, rules }) => [pattern, rules]))
}

/** Of sign-in, and of the project itself. */
export async function readSettings({
  api,
  project,
}: Target): Promise<NonNullable<FolderConfiguration['settings']>> {
  const path = `/v1/projects/${project}`
  const auth = await api.call<{ settings: Record<string, unknown> }>('GET', `${path}/auth/settings`)
  const own = await api.call<{ settings: Record<string, unknown> }>('GET', path)
  return { auth: auth.settings, project: own.settings }
}

async function planCollections(
  planning: Planning,
  wanted: ReadonlyMap<string, CollectionDefinition>,
  remote: ReadonlyMap<string, Collection>,
): Promise<Change[]> {
  const { api, project } = planning.target
  const changes: Change[] = []
  const all = new Map(wanted)
  // Who stops declaring something of a built-in collection wants its defaults back.
  for (const name of builtIn) if (!all.has(name)) all.set(name, {})
  for (const [name, definition] of all) {
    const path = `/v1/projects/${project}/collections/${encodeURIComponent(name)}`
    const answer = await attempt(planning, [name], definition, () =>
      api.call<CollectionAnswer>('PUT', path, { body: definition, query: { dryRun: 'true' } }),
    )
    if (answer === undefined || answer.changes.length === 0) continue
    const current = remote.get(name)
    changes.push({
      sign: current === undefined ? '+' : '~',
      kind: 'collection',
      name,
      details: compareCollections(current, answer),
      // What it refers to may come with the same deployment.
      warnings: answer.warnings.filter(
        (text) => ![...all.keys()].some((other) => text.includes(`refers to ${other},`)),
      ),
      apply: () => api.call('PUT', path, { body: definition }),
    })
  }
  return changes
}

async function planChannels(planning: Planning): Promise<Change[]> {
  const { channels } = planning.folder
  if (channels === undefined) return []
  const { api, project } = planning.target
  const remote = await readChannelRules(planning.target)
  const pathOf = (pattern: string): string =>
    `/v1/projects/${project}/channels/rules/${encodeURIComponent(pattern)}`
  const changes: Change[] = []
  for (const [pattern, rules] of channels) {
    const current = remote.get(pattern)
    if (isDeepStrictEqual(current, rules)) continue
    const body = { rules }
    await attempt(planning, [pattern], body, () =>
      api.call('PUT', pathOf(pattern), { body, query: { dryRun: 'true' } }),
    )
    changes.push({
      sign: current === undefined ? '+' : '~',
      kind: 'channel',
      name: pattern,
      details: compareTexts('rule', current ?? {}, rules),
      warnings: [],
      apply: () => api.call('PUT', pathOf(pattern), { body }),
    })
  }
  for (const [pattern, rules] of remote) {
    if (channels.has(pattern)) continue
    const details = compareTexts('rule', rules, {})
    const apply = () => api.call('DELETE', pathOf(pattern))
    changes.push({ sign: '-', kind: 'channel', name: pattern, details, warnings: [], apply })
  }
  return changes
}

/** Groups that the folder doesn't name are left as they are: some are different in each environment. */
async function planSettings(planning: Planning): Promise<Change[]> {
  const { settings } = planning.folder
  if (settings === undefined) return []
  const { api, project } = planning.target
  const remote = await readSettings(planning.target)
  const base = `/v1/projects/${project}`
  const parts = [
    { name: 'auth', path: `${base}/auth/settings`, wanted: settings.auth, current: remote.auth },
    { name: 'project', path: base, wanted: settings.project, current: remote.project },
  ]
  const changes: Change[] = []
  for (const { name, path, wanted, current } of parts) {
    const differing = Object.entries(wanted).filter(
      ([group, value]) => !isDeepStrictEqual(value, current[group] ?? null),
    )
    if (differing.length === 0) continue
    const body = { settings: Object.fromEntries(differing) }
    const answer = await attempt(planning, [name], body, () =>
      api.call<{ settings: Record<string, unknown> }>('PATCH', path, { body, query: { dryRun: 'true' } }),
    )
    if (answer === undefined) continue
    const details = differing.flatMap(([group]) => compareTree(group, current[group], answer.settings[group]))
    if (details.length === 0) continue
    const apply = () => api.call('PATCH', path, { body })
    changes.push({ sign: '~', kind: 'settings', name, details, warnings: [], apply })
  }
  return changes
}

/** Leaf by leaf: `sessions.idleDays`. */
function compareTree(path: string, before: unknown, after: unknown): Detail[] {
  if (isDeepStrictEqual(before, after)) return []
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return keys.flatMap((key) => compareTree(`${path}.${key}`, before[key], after[key]))
  }
  const text = (value: unknown): string | undefined => (value === undefined ? undefined : asText(value))
  const detail = compareValues(path, text(before), text(after))
  return detail === undefined ? [] : [detail]
}

function planDeletion({ api, project }: Target, name: string, strays: Plan['strays']): Change {
  const stray = strays.find((each) => each.name === name)
  if (stray === undefined) {
    throw wrongUsage(
      `--delete ${name}: only a collection that the project has and the folder doesn't name is deleted.`,
    )
  }
  const note = `deletes ${describeCount(stray.documents)}, for ever`
  return {
    sign: '-',
    kind: 'collection',
    name,
    details: [{ sign: '-', what: 'documents', note }],
    warnings: [],
    apply: () => api.call('DELETE', `/v1/projects/${project}/collections/${name}`),
  }
}

export function describeCount(documents: number | undefined): string {
  if (documents === undefined) return 'its documents'
  return documents === 1 ? '1 document' : `${documents} documents`
}

/** Undefined for a key that may not read documents. */
async function countDocuments({ api, project }: Target, name: string): Promise<number | undefined> {
  const path = `/v1/projects/${project}/collections/${name}/documents`
  try {
    const { count } = await api.call<{ count: number }>('GET', path, { query: { limit: '1', count: 'true' } })
    return count
  } catch (error) {
    if (error instanceof ApiFault && (error.code === 'forbidden' || error.code === 'timeout'))
      return undefined
    throw error
  }
}

/** What the server refuses of the folder is kept with its place, so that all of it is told at once. */
async function attempt<T>(
  { folder, faults }: Planning,
  owner: readonly string[],
  body: unknown,
  call: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof ApiFault) || (error.status !== 400 && error.status !== 422)) throw error
    const issues =
      error.issues.length > 0 ? error.issues : [{ path: '', code: error.code, message: error.message }]
    faults.push(...issues.map((issue) => placeIssue(folder.sources, owner, body, issue)))
    return undefined
  }
}

function placeIssue(
  sources: ReadonlyMap<string, string>,
  owner: readonly string[],
  body: unknown,
  issue: Issue,
): PlacedFault {
  const { value, last } = follow(body, issue.path)
  const { offset, text } = offsetOf(issue.message, typeof value === 'string' ? value : '')
  const keys = last === undefined ? owner : [...owner, last]
  const place = findPlace(sources, { keys, offset, ...(typeof value === 'string' && { value }) })
  const path = [...owner, issue.path].filter((part) => part !== '').join('.')
  return { message: `${path}: ${text}`, ...place }
}

/** Walks `indexes[0].fields[1]` or `fields.address.city.read`; keys may hold dots themselves. */
function follow(body: unknown, path: string): { value: unknown; last: string | undefined } {
  let value = body
  let last: string | undefined
  let rest = path.replaceAll(/\[(\d+)\]/g, '.$1')
  while (rest !== '') {
    if (typeof value !== 'object' || value === null) return { value: undefined, last }
    const record = value as Record<string, unknown>
    const key = Object.keys(record)
      .filter((each) => rest === each || rest.startsWith(`${each}.`))
      .sort((a, b) => b.length - a.length)[0]
    if (key === undefined) return { value: undefined, last: rest.split('.').at(-1) }
    value = record[key]
    if (!/^\d+$/.test(key)) last = key
    rest = rest.slice(key.length + 1)
  }
  return { value, last }
}
