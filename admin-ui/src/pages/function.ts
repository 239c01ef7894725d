import { bytes, count, milliseconds } from '../amounts.ts'
import { callFunction } from '../call-function.ts'
import { badge, type Child, element, facts, link, time } from '../elements.ts'
import { type FunctionInfo, readFunctions, readUsage, type Usage } from '../function-api.ts'
import { triggerOf } from '../function-trigger.ts'
import { logView } from '../log-view.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'

const lateLinesAfterMs = 1_000

/** What a function is, how it goes, a way to call it, and what it wrote. */
export async function functionPage(place: Place, { params, query }: At): Promise<Node[]> {
  const { name = '' } = params
  const [{ functions }, usage, logs] = await Promise.all([
    readFunctions(place),
    readUsage(place),
    logView(place, name, query),
  ])
  const info = functions.find((one) => one.name === name)
  const pullTwice = (): void => {
    const pull = (): void => void logs.pull().catch(() => undefined)
    // Lines go another way than the answer.
    pull()
    setTimeout(pull, lateLinesAfterMs)
  }
  return [
    link(`${place.console}/functions`, '← Functions'),
    element('h1', {}, name),
    ...about(place, info),
    element('h2', {}, 'The last 24 hours'),
    figures(usage.functions.find((one) => one.name === name)),
    ...(info?.kind === 'callable'
      ? [element('h2', {}, 'Call it'), ...lookOnly(place), callFunction(place, info, pullTwice)]
      : []),
    element('h2', {}, 'Logs'),
    ...logs.nodes,
  ]
}

function about(place: Place, info: FunctionInfo | undefined): Node[] {
  if (info === undefined) {
    const text =
      'The active version has no function of this name. What it wrote while there was one stands below.'
    return [element('p', { className: 'card' }, text)]
  }
  const { kind, file, timeout, outbound, scopes, maxAttempts, concurrency, pausedUntil } = info
  const optional: [string, Child | undefined][] = [
    ['Time limit', timeout === undefined ? undefined : milliseconds(timeout)],
    ['Attempts', maxAttempts === undefined ? undefined : String(maxAttempts)],
    ['At once', concurrency === undefined ? undefined : String(concurrency)],
    ['Reaches', outbound === undefined ? 'every public host' : outbound.join(', ') || 'nothing'],
    ['May do', scopes === undefined ? 'everything in the project' : scopes.join(', ') || 'nothing'],
  ]
  return [
    ...(pausedUntil === null ? [] : [paused(pausedUntil)]),
    facts(
      ['Kind', badge(kind)],
      ['Runs', triggerOf(info)],
      ['File', element('code', {}, file)],
      ...optional.flatMap(([term, value]): [string, Child][] => (value === undefined ? [] : [[term, value]])),
    ),
    ...usedBy(place, info),
  ]
}

function paused(until: string): HTMLElement {
  const consequence =
    ': calls get 503 meanwhile. A new version, or the way back to an older one, ends the pause at once.'
  const text = ['It kept hanging, so it is paused until ', time(until), consequence]
  return element('p', { className: 'card notice bad', role: 'note' }, ...text)
}

/** Where else to look, by kind. */
function usedBy(place: Place, { kind, name, route = '', task = '' }: FunctionInfo): Node[] {
  switch (kind) {
    case 'http': {
      const [method = '', path = ''] = route.split(' ')
      const verb = method === 'ANY' ? 'POST' : method
      return [element('pre', {}, `curl -X ${verb} ${location.origin}/v1${place.api}/http${path}`)]
    }
    case 'task':
      return [
        element(
          'div',
          { className: 'actions' },
          link(`${place.console}/tasks?name=${encodeURIComponent(task)}`, 'Its tasks', 'button'),
          ...(place.may('developer')
            ? [link(`${place.console}/tasks/new?name=${encodeURIComponent(task)}`, 'Enqueue one', 'button')]
            : []),
        ),
      ]
    case 'schedule': {
      const runs = `${place.console}/tasks?schedule=${encodeURIComponent(name)}`
      const plan = `${place.console}/tasks/schedules/${encodeURIComponent(name)}`
      return [
        element(
          'div',
          { className: 'actions' },
          link(runs, 'Its runs', 'button'),
          link(plan, 'When it runs', 'button'),
        ),
      ]
    }
    default:
      return []
  }
}

function figures(usage: Usage | undefined): HTMLElement {
  if (usage === undefined) return element('p', { className: 'card soft' }, 'It did not run.')
  const { calls, errors, coldStarts, outboundRequests, averageMilliseconds, maxMilliseconds } = usage
  return facts(
    ['Calls', count(calls)],
    ['Errors', errors === 0 ? '0' : element('span', { className: 'error' }, count(errors))],
    ['Mean', milliseconds(averageMilliseconds)],
    ['Longest', milliseconds(maxMilliseconds)],
    ['Cold starts', count(coldStarts)],
    ['Requests outwards', count(outboundRequests)],
    ['Memory at most', bytes(usage.maxMemoryBytes)],
    ['GB-seconds', usage.gigabyteSeconds.toLocaleString(undefined, { maximumSignificantDigits: 3 })],
  )
}
