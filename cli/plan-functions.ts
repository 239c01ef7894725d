import { ApiFault } from './api.ts'
import type { FunctionUpload } from './collect-functions.ts'
import { asText, type Detail } from './compare-collections.ts'
import type { Target } from './environments.ts'
import type { Change } from './plan.ts'
import type { PlacedFault } from './project-files.ts'

/** What the server tells of one function. What its kind needs beside it (`cron`, `route`) is there by name. */
export interface FunctionInfo extends Readonly<Record<string, unknown>> {
  name: string
  kind: string
  file: string
  /** Of all files that it consists of; null in versions from before there were hashes. */
  hash: string | null
}

interface Answer {
  functions: FunctionInfo[]
}

interface Prepared extends Answer {
  /** By file: what is accepted and not run yet. */
  warnings: { path: string; message: string }[]
}

/**
 * All functions are one version, so they are one change. The server bundles and loads what would be deployed, and
 * runs none of it.
 */
export async function planFunctions(
  { api, project }: Target,
  { body, places }: FunctionUpload,
  faults: PlacedFault[],
): Promise<Change[]> {
  const path = `/v1/projects/${project}/functions`
  const current = await api.call<Answer>('GET', path)
  if (current.functions.length === 0 && Object.keys(body.manifest.entries).length === 0) return []
  try {
    const query = { dryRun: 'true' }
    const wanted = await api.call<Prepared>('POST', `${path}/deployments`, { body, query })
    const details = compareFunctions(current.functions, wanted.functions)
    if (details.length === 0) return []
    const sign = current.functions.length === 0 ? '+' : wanted.functions.length === 0 ? '-' : '~'
    const warnings = wanted.warnings.map((warning) => `${warning.path}: ${warning.message}`)
    const apply = () => api.call('POST', `${path}/deployments`, { body })
    return [{ sign, kind: 'functions', name: '', details, warnings, apply }]
  } catch (error) {
    if (!(error instanceof ApiFault) || (error.status !== 400 && error.status !== 422)) throw error
    const issues = error.issues.length > 0 ? error.issues : [{ path: '', message: error.message }]
    faults.push(...issues.map((issue) => placeIssue(places, issue)))
    return []
  }
}

/** The server names places as `functions/quote.ts:3:5`. */
function placeIssue(
  places: ReadonlyMap<string, string>,
  { path, message }: { path: string; message: string },
): PlacedFault {
  const [, named = '', line, column] = /^(.*?)(?::(\d+):(\d+))?$/.exec(path) ?? []
  const file = places.get(named)
  if (file === undefined) return { message: path === '' ? message : `${path}: ${message}` }
  return { message, file, ...(line !== undefined && { line: Number(line), column: Number(column) }) }
}

function compareFunctions(before: readonly FunctionInfo[], after: readonly FunctionInfo[]): Detail[] {
  const had = new Map(before.map((each) => [each.name, each]))
  const wants = new Map(after.map((each) => [each.name, each]))
  return [...new Set([...had.keys(), ...wants.keys()])].sort().flatMap((name): Detail[] => {
    const old = had.get(name)
    const now = wants.get(name)
    if (old !== undefined && old.hash !== null && old.hash === now?.hash) return []
    const kind = now?.kind ?? old?.kind
    const what = `${kind === 'schedule' ? 'schedule' : 'function'} ${name}`
    const [was, becomes] = [describeFunction(old), describeFunction(now)]
    if (old === undefined) return [{ sign: '+', what, after: becomes }]
    if (now === undefined) return [{ sign: '-', what, before: was }]
    return [
      { sign: '~', what, ...(was === becomes ? { after: 'its code' } : { before: was, after: becomes }) },
    ]
  })
}

/** What a function is for: `afterCreate orders`, `0 8 * * 1-5 (Europe/Berlin)`. */
export function describeFunction(info: FunctionInfo | undefined): string | undefined {
  if (info === undefined) return undefined
  const { kind, cron, timezone, route, collection, bucket, task, topic, access } = info
  if (kind === 'schedule')
    return timezone === undefined ? asText(cron) : `${asText(cron)} (${asText(timezone)})`
  const subject =
    route ??
    collection ??
    bucket ??
    task ??
    topic ??
    (access === undefined ? undefined : `for ${asText(access)}`)
  return subject === undefined ? kind : `${kind} ${asText(subject)}`
}
