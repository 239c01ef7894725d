import { api, Refused } from './api.ts'
import { element, link } from './elements.ts'
import { failure } from './notices.ts'

/** Where the address leads. */
export interface At {
  params: Record<string, string>
  query: URLSearchParams
  /** Of a one-time link. */
  token: string
}

/** From the least to the most. */
const roles = ['viewer', 'developer', 'admin', 'owner'] as const

type Role = (typeof roles)[number]

/** The project of a page, and what the operator may do in it. The server decides; this only shows it beforehand. */
export interface Place {
  ref: string
  name: string
  /** Below this stand the calls of the organization that has the project. */
  organizationApi: string
  /** Below this stand the project's calls. */
  api: string
  /** Below this stand the project's pages. */
  console: string
  may(needed: Role): boolean
}

const sections = [
  ['Overview', ''],
  ['Collections', '/collections'],
  ['Users', '/users'],
  ['Functions', '/functions'],
  ['Tasks', '/tasks'],
  ['Mail', '/mail'],
  ['Sign-in', '/sign-in'],
  ['Audit log', '/audit'],
] as const

export type Section = (typeof sections)[number][0]

type ProjectPage = (place: Place, at: At) => Promise<Node[]>

/** Puts a page beside the navigation of its project. */
export function inProject(section: Section, page: ProjectPage): (at: At) => Promise<Node[]> {
  return async (at) => {
    const { place, role } = await enter(at.params['ref'] ?? '')
    const content = await page(place, at).catch(refusal)
    const links = sections.map(([name, path]) => {
      const made = link(place.console + path, name)
      if (name === section) made.ariaCurrent = 'page'
      return made
    })
    const side = element(
      'aside',
      {},
      element(
        'p',
        { className: 'project-name' },
        element('strong', {}, place.name),
        element('code', {}, place.ref),
      ),
      element('nav', { ariaLabel: 'Project' }, ...links),
      element('p', { className: 'soft role' }, `Your role: ${role}`),
    )
    return [
      element('div', { className: 'project' }, side, element('div', { className: 'content' }, ...content)),
    ]
  }
}

/** What the server refuses leaves the way to the other pages open. */
function refusal(error: unknown): Node[] {
  if (!(error instanceof Refused)) throw error
  return [element('h1', {}, 'This did not work'), failure(error)]
}

async function enter(ref: string): Promise<{ place: Place; role: Role }> {
  const path = `/projects/${encodeURIComponent(ref)}`
  const [{ name, organizationId }, { organizations }] = await Promise.all([
    api<{ name: string; organizationId: string }>('GET', path),
    api<{ organizations: { id: string; role: Role }[] }>('GET', '/organizations'),
  ])
  const role = organizations.find(({ id }) => id === organizationId)?.role ?? 'viewer'
  const may = (needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed)
  const organizationApi = `/organizations/${organizationId}`
  return { role, place: { ref, name, organizationApi, api: path, console: `/console${path}`, may } }
}

/** Says to whom a page shows what they can't change. Nothing for everybody else. */
export function lookOnly(place: Place, needed: Role = 'developer'): Node[] {
  if (place.may(needed)) return []
  return [
    element(
      'p',
      { className: 'card soft', role: 'note' },
      `You can look. Changing this needs the role ${needed}.`,
    ),
  ]
}
