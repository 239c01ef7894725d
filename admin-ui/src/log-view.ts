import { api, Refused } from './api.ts'
import { type Child, element, link } from './elements.ts'
import { choiceField, optionalField } from './fields.ts'
import { form } from './form.ts'
import { failure } from './notices.ts'
import type { At, Place } from './project-frame.ts'
import { show } from './show-page.ts'

interface LogLine {
  id: string
  function: string
  at: string
  level: 'debug' | 'info' | 'warn' | 'error'
  message: string
  fields: unknown
  stack: string | null
  invocationId: string
}

const levels = [
  ['', 'Every level'],
  ['info', 'Info and above'],
  ['warn', 'Warnings and errors'],
  ['error', 'Errors'],
] as const

const orders = [
  ['', 'By call'],
  ['lines', 'Line by line'],
] as const

const pageSize = 200
// Calls, or lines where they stand alone.
const maxShown = 500
const followEveryMs = 1_000
// Servers store their lines a while after they were written, so an older one may come after a newer one.
const lateMs = 5_000

export interface LogView {
  nodes: Node[]
  /** Fetches what was written since. */
  pull(): Promise<void>
}

/**
 * What a function wrote, the newest first; the address holds what is asked for.
 *
 * @param name undefined: what all of them wrote
 */
export async function logView(place: Place, name: string | undefined, query: At['query']): Promise<LogView> {
  const below = name === undefined ? '/functions' : `/functions/${encodeURIComponent(name)}`
  const path = name === undefined ? `${place.console}/functions/logs` : place.console + below
  const asked = new URLSearchParams([...query].filter(([key]) => key !== 'order'))
  asked.set('limit', String(pageSize))
  const read = async (more: Record<string, string> = {}): Promise<LogLine[]> => {
    const wanted = new URLSearchParams([...asked, ...Object.entries(more)])
    return (await api<{ logs: LogLine[] }>('GET', `${place.api}${below}/logs?${wanted.toString()}`)).logs
  }
  const found = await read().catch(refusal)
  const lines = found instanceof Refused ? [] : found.toReversed()
  const list = lineList(path, query, name === undefined ? place : undefined)
  list.add(lines)

  const told = new Set(lines.map(({ id }) => id))
  const start = lines[0]?.id ?? '0'
  let newestAt = Date.parse(lines.at(-1)?.at ?? new Date(0).toISOString())
  const pull = async (): Promise<void> => {
    if (query.has('before')) return
    const again = firstIdOf(Math.max(0, newestAt - lateMs))
    for (let after = again > start ? again : start; ;) {
      const page = await read({ after })
      const fresh = page.filter(({ id }) => !told.has(id))
      list.add(fresh)
      for (const { id, at } of fresh) {
        told.add(id)
        newestAt = Math.max(newestAt, Date.parse(at))
      }
      const last = page.at(-1)
      if (last === undefined || page.length < pageSize) break
      after = last.id
    }
    for (const id of told) if (id < again) told.delete(id)
  }
  const nodes = [
    search(path, query),
    ...(found instanceof Refused ? [failure(found)] : []),
    ...oneCall(path, query),
    element('div', { className: 'actions' }, ...(query.has('before') ? [] : tail(list.element, pull))),
    list.element,
    ...pages(path, query, found instanceof Refused ? [] : found),
  ]
  return { nodes, pull }
}

/** What stands before every id of that moment and later. */
function firstIdOf(time: number): string {
  const hex = time.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

function refusal(error: unknown): Refused {
  if (error instanceof Refused) return error
  throw error
}

function search(path: string, query: URLSearchParams): HTMLElement {
  const asked = (name: string): string => query.get(name) ?? ''
  const level = choiceField(
    'Level',
    'level',
    levels,
    levels.find(([key]) => key === asked('level'))?.[0] ?? '',
  )
  const text = optionalField('Search for', 'search', {
    type: 'search',
    value: asked('search'),
    maxLength: 200,
  })
  const order = choiceField('Order', 'order', orders, asked('order') === 'lines' ? 'lines' : '')
  const submit = async (): Promise<void> => {
    show(
      addressOf(path, { level: level.read(), search: text.read(), order: order.read() }, query, [
        'invocation',
      ]),
    )
  }
  const made = form('Search', [level.row, text.row, order.row], submit, { className: 'search' })
  made.role = 'search'
  return made
}

/** The page with these parameters, and those of now that are kept. */
function addressOf(
  path: string,
  parameters: Record<string, string | undefined>,
  query: URLSearchParams = new URLSearchParams(),
  kept: readonly string[] = [],
): string {
  const given = [...kept.map((key) => [key, query.get(key) ?? '']), ...Object.entries(parameters)]
  const made = new URLSearchParams(
    given.flatMap(([key = '', value = '']) => (value === '' ? [] : [[key, value]])),
  )
  return made.size === 0 ? path : `${path}?${made.toString()}`
}

function oneCall(path: string, query: URLSearchParams): Node[] {
  const invocation = query.get('invocation')
  if (invocation === null) return []
  const all = link(addressOf(path, {}, query, ['level', 'search', 'order']), 'All calls')
  return [element('p', { className: 'card' }, 'Only the call ', element('code', {}, invocation), '. ', all)]
}

/** A switch that follows what is written for as long as the page is there. */
function tail(list: HTMLElement, pull: () => Promise<void>): Node[] {
  const state = element('span', { className: 'soft', role: 'status' })
  const button = element('button', { type: 'button', className: 'plain', ariaPressed: 'false' }, 'Live tail')
  const follow = async (): Promise<void> => {
    while (button.ariaPressed === 'true') {
      if (!list.isConnected) return
      state.textContent = await pull().then(
        () => 'Following; new lines come at the top.',
        (error: unknown) => `${error instanceof Error ? error.message : String(error)} Trying again.`,
      )
      await new Promise((resolve) => setTimeout(resolve, followEveryMs))
    }
  }
  let following: Promise<void> = Promise.resolve()
  button.addEventListener('click', () => {
    button.ariaPressed = button.ariaPressed === 'true' ? 'false' : 'true'
    if (button.ariaPressed === 'true') following = following.then(follow)
    else state.textContent = ''
  })
  return [button, state]
}

/** A full page has older lines behind it, most likely. */
function pages(path: string, query: URLSearchParams, found: readonly LogLine[]): Node[] {
  const kept = ['level', 'search', 'order', 'invocation']
  const oldest = found.length === pageSize ? found.at(-1) : undefined
  const links = [
    ...(query.has('before') ? [link(addressOf(path, {}, query, kept), 'Newest lines', 'button')] : []),
    ...(oldest === undefined
      ? []
      : [link(addressOf(path, { before: oldest.id }, query, kept), 'Older lines', 'button')]),
  ]
  return links.length === 0 ? [] : [element('nav', { className: 'actions', ariaLabel: 'Pages' }, ...links)]
}

/**
 * Draws lines, those of one call together unless they are asked for one by one.
 *
 * @param place where the lines are of all functions, and say of which
 */
function lineList(
  path: string,
  query: URLSearchParams,
  place: Place | undefined,
): { element: HTMLElement; add(lines: LogLine[]): void } {
  const isByCall = query.get('order') !== 'lines'
  const isFiltered = ['level', 'search', 'invocation', 'before'].some((key) => query.has(key))
  const nothing = isFiltered
    ? 'No line is like that.'
    : 'Nothing was written in the last week. What functions write with log or console stands here, and how calls failed.'
  const made = element('div', { className: 'log' }, element('p', { className: 'soft' }, nothing))
  made.ariaLabel = 'Lines'
  made.role = 'log'
  const calls = new Map<string, HTMLElement>()
  let shown = 0

  const groupOf = (line: LogLine): HTMLElement => {
    // What was not even called has no call.
    const call = line.invocationId === '' ? line.id : line.invocationId
    const known = calls.get(call)
    if (known !== undefined && made.contains(known)) return known
    const group = element('ol', {})
    calls.set(call, group)
    const origin = originOf(line).flatMap((part) => [' · ', part])
    made.prepend(element('section', {}, element('p', {}, dayTime(line.at), ...origin), group))
    return group
  }
  const originOf = ({ function: name, invocationId }: LogLine): Node[] => [
    ...(place === undefined ? [] : [link(`${place.console}/functions/${encodeURIComponent(name)}`, name)]),
    ...(invocationId === '' ? [] : [callLink(path, query, invocationId)]),
  ]
  const lone = element('ol', {})
  return {
    element: made,
    add(lines) {
      if (lines.length === 0) return
      if (shown === 0) made.replaceChildren(...(isByCall ? [] : [lone]))
      shown += lines.length
      for (const line of lines) {
        if (isByCall) groupOf(line).append(drawn(line))
        else lone.prepend(drawn(line, originOf(line)))
      }
      const entries = isByCall ? made : lone
      while (entries.childElementCount > maxShown) entries.lastElementChild?.remove()
    },
  }
}

function callLink(path: string, query: URLSearchParams, invocation: string): HTMLElement {
  const made = link(addressOf(path, { invocation }, query, ['order']), `call ${invocation.slice(-8)}`)
  made.title = `Only the call ${invocation}`
  return made
}

function drawn({ at, level, message, fields, stack }: LogLine, origin: Node[] = []): HTMLElement {
  const clock = element('time', { dateTime: at, title: at }, clockTime(at))
  const said: Child[] = [element('span', { className: 'message' }, message)]
  if (fields !== null) said.push(' ', element('code', { className: 'soft' }, JSON.stringify(fields)))
  said.push(...origin.flatMap((part) => [' ', part]))
  if (stack !== null) said.push(element('pre', {}, stack))
  return element(
    'li',
    { className: level },
    clock,
    element('span', { className: 'level' }, level),
    element('div', {}, ...said),
  )
}

function clockTime(iso: string): string {
  const style = { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 } as const
  return new Date(iso).toLocaleTimeString(undefined, style)
}

function dayTime(iso: string): HTMLElement {
  const text = new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
  return element('time', { dateTime: iso, title: iso }, text)
}
