import type { FunctionEntry } from '../deployments/function-entry.ts'

interface Route {
  method: string
  segments: readonly string[]
  entry: FunctionEntry
}

export type HttpRoutes = readonly Route[]

/** The routes of HTTP functions, the most exact first: what is written out before `:name`, and that before `*`. */
export function parseRoutes(entries: Iterable<FunctionEntry>): HttpRoutes {
  const routes: Route[] = []
  for (const entry of entries) {
    const [method, path] = entry.settings.route?.split(' ', 2) ?? []
    if (entry.kind !== 'http' || method === undefined || path === undefined) continue
    routes.push({ method, segments: path.slice(1).split('/'), entry })
  }
  return routes.sort((one, other) => (weightOf(one) < weightOf(other) ? -1 : 1))
}

/** Text whose order is the routes'. */
function weightOf({ method, segments }: Route): string {
  const kinds = segments
    .map((segment) => (segment === '*' ? '2' : segment.startsWith(':') ? '1' : '0'))
    .join('')
  return `${kinds} ${method === 'ANY' ? '1' : '0'}`
}

/** The function for a request; `method` when the path is there for other methods. */
export function matchRoute(
  routes: HttpRoutes,
  method: string,
  path: string,
): FunctionEntry | 'method' | undefined {
  const segments = path.slice(1).split('/')
  const ofPath = routes.filter((route) => matches(route.segments, segments))
  const found =
    ofPath.find((route) => route.method === method || route.method === 'ANY') ??
    ofPath.find((route) => method === 'HEAD' && route.method === 'GET')
  return found?.entry ?? (ofPath.length > 0 ? 'method' : undefined)
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  const isOpen = pattern.at(-1) === '*'
  const fixed = isOpen ? pattern.slice(0, -1) : pattern
  if (isOpen ? segments.length < pattern.length : segments.length !== pattern.length) return false
  return fixed.every((part, index) =>
    part.startsWith(':') ? segments[index] !== '' : part === segments[index],
  )
}
