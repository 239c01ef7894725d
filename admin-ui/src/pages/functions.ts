import { bytes, count, milliseconds, percent } from '../amounts.ts'
import { badge, type Child, element, empty, facts, link } from '../elements.ts'
import {
  type Deployment,
  type FunctionInfo,
  labelOf,
  readDeployments,
  readFunctions,
  readUsage,
  type ShownFunctions,
  type Usage,
} from '../function-api.ts'
import { functionTabs } from '../function-tabs.ts'
import { triggerOf } from '../function-trigger.ts'
import type { Place } from '../project-frame.ts'
import { table } from '../table.ts'

interface Row {
  name: string
  /** Undefined for what is no longer in the active version. */
  info: FunctionInfo | undefined
  usage: Usage | undefined
}

/** What the active version holds, and how it went in the last day. */
export async function functionsPage(place: Place): Promise<Node[]> {
  const [shown, usage, deployments] = await Promise.all([
    readFunctions(place),
    readUsage(place),
    readDeployments(place),
  ])
  const upload = link(`${place.console}/functions/deployments/new`, 'New version', 'button first')
  const head = [
    element('h1', {}, 'Functions'),
    functionTabs(place, 'Functions'),
    ...(place.may('developer') ? [element('div', { className: 'actions' }, upload)] : []),
  ]
  if (shown.deploymentId === null) return [...head, ...nothingYet(place)]
  const rows = rowsOf(shown, usage.functions)
  return [
    ...head,
    summary(place, shown, deployments, usage),
    table('Functions', columnsOf(place), rows),
    element('p', { className: 'hint' }, 'Figures are of the last 24 hours.'),
  ]
}

function nothingYet(place: Place): Node[] {
  const code = `// functions/hello.ts
import { callable } from '@basalt/client/functions'
import { string } from '@basalt/client'

export default callable({
  input: { name: string() },
  handler: ({ name }) => ({ hello: name }),
})`
  const commands = `npx basalt link ${place.ref}\nnpx basalt deploy`
  const here = place.may('developer')
    ? 'Nothing is deployed yet. Write a function, and deploy it from your machine, or upload it here with “New version”.'
    : 'Nothing is deployed yet. Developers write functions, and deploy them from their machines or here.'
  return [empty(here), element('pre', {}, code), element('pre', {}, commands)]
}

function rowsOf({ functions }: ShownFunctions, usage: readonly Usage[]): Row[] {
  const used = new Map(usage.map((one) => [one.name, one]))
  const active = functions.map((info): Row => ({ name: info.name, info, usage: used.get(info.name) }))
  const names = new Set(functions.map(({ name }) => name))
  const gone = usage.filter(({ name }) => !names.has(name))
  return [...active, ...gone.map((one): Row => ({ name: one.name, info: undefined, usage: one }))]
}

function summary(
  place: Place,
  { deploymentId, next }: ShownFunctions,
  deployments: readonly Deployment[],
  { gigabyteSeconds, functions }: { gigabyteSeconds: number; functions: Usage[] },
): HTMLElement {
  const version = (id: string | null, text = ''): HTMLElement => {
    const found = deployments.find((one) => one.id === id)
    const made = link(
      `${place.console}/functions/deployments/${id ?? ''}`,
      found === undefined ? 'a version' : labelOf(found),
    )
    return element('span', {}, made, text)
  }
  const sum = (of: (usage: Usage) => number): string =>
    count(functions.reduce((total, usage) => total + of(usage), 0))
  const upcoming: [string, Child][] =
    next === null
      ? []
      : [['Next version', version(next.deploymentId, `, ${percent(next.share)} of the calls`)]]
  return facts(
    ['Active version', version(deploymentId)],
    ...upcoming,
    ['Calls', sum(({ calls }) => calls)],
    ['Errors', sum(({ errors }) => errors)],
    ['GB-seconds', gigabyteSeconds.toLocaleString(undefined, { maximumSignificantDigits: 3 })],
  )
}

function columnsOf(place: Place) {
  const amount =
    (of: (usage: Usage) => string) =>
    ({ usage }: Row): Child =>
      usage === undefined ? '–' : of(usage)
  return [
    {
      label: 'Function',
      cell: ({ name }: Row) => link(`${place.console}/functions/${encodeURIComponent(name)}`, name),
    },
    { label: 'Runs', cell: ({ info }: Row) => runs(info) },
    { label: 'Calls', cell: amount(({ calls }) => count(calls)) },
    {
      label: 'Errors',
      cell: ({ usage }: Row): Child => {
        if (usage === undefined) return '–'
        return usage.errors === 0 ? '0' : element('span', { className: 'error' }, count(usage.errors))
      },
    },
    { label: 'Mean', cell: amount(({ averageMilliseconds }) => milliseconds(averageMilliseconds)) },
    { label: 'Longest', cell: amount(({ maxMilliseconds }) => milliseconds(maxMilliseconds)) },
    { label: 'Cold starts', cell: amount(({ coldStarts }) => count(coldStarts)) },
    { label: 'Memory', cell: amount(({ maxMemoryBytes }) => bytes(maxMemoryBytes)) },
  ]
}

function runs(info: FunctionInfo | undefined): Child {
  if (info === undefined) return badge('not in the active version')
  const trigger = element('span', {}, triggerOf(info))
  return info.pausedUntil === null
    ? trigger
    : element('span', { className: 'badges' }, trigger, badge('paused', 'bad'))
}
