// Bundled for a page: components as an app would write them, and a handle for the test.
import { createElement as h, memo, type ReactNode, StrictMode, useSyncExternalStore } from 'react'
import { createRoot, hydrateRoot } from 'react-dom/client'
import { type Basalt, type ClientOptions, createClient, type UntypedSchema } from '../src/client.ts'
import {
  BasaltProvider,
  useAuthState,
  useChannel,
  useConnection,
  useDocument,
  usePresence,
  useQuery,
  useUser,
} from '../src/react/react.ts'

interface View {
  lists?: readonly (number | null)[]
  document?: string | null
  user?: boolean
  room?: { name: string | null; presence?: object | null; word?: string }
  members?: string
}

declare global {
  var options: ClientOptions<UntypedSchema>
  var app: object
}

let view: View = {}
const listeners = new Set<() => void>()
/** How often each row was rendered. */
const renders: Record<string, number> = {}
const heard: unknown[] = []
let broadcast: (event: string, payload: unknown) => boolean = () => false

export function App(): ReactNode {
  const {
    lists = [],
    document,
    user,
    room,
    members,
  } = useSyncExternalStore(
    (callback) => (listeners.add(callback), () => void listeners.delete(callback)),
    () => view,
    () => view,
  )
  return h(
    'main',
    { 'data-connection': useConnection().status },
    lists.map((group, index) => h(List, { key: index, group })),
    document !== undefined && h(Document, { id: document }),
    user && h(User),
    room && h(Room, room),
    members !== undefined && h(Members, { name: members }),
  )
}

function List({ group }: { group: number | null }): ReactNode {
  // A new object each time, as people write it.
  const query = useQuery('posts', group === null ? null : { where: { group }, sort: ['votes'] })
  return h(
    'ul',
    { 'data-status': query.status },
    query.documents?.map((row) => h(Row, { key: String(row['id']), row })),
  )
}

const Row = memo(function Row({ row }: { row: Readonly<Record<string, unknown>> }): ReactNode {
  const id = String(row['id'])
  renders[id] = (renders[id] ?? 0) + 1
  return h('li', null, `${id} ${String(row['votes'])}`)
})

function Document({ id }: { id: string | null }): ReactNode {
  const { status, document } = useDocument('posts', id)
  return h('article', { 'data-status': status }, document === undefined ? '…' : JSON.stringify(document))
}

function User(): ReactNode {
  const user = useUser()
  const { status } = useAuthState()
  return h('p', { 'data-status': status }, user === undefined ? '…' : (user?.email ?? 'nobody'))
}

function Room({ name, presence, word }: NonNullable<View['room']>): ReactNode {
  const channel = useChannel<object, { said: string }>(name, {
    presence,
    on: { said: (text, { uid }) => void heard.push([text, uid, word]) },
  })
  broadcast = channel.broadcast as typeof broadcast
  const { status, error, members } = channel
  return h('section', { 'data-status': status }, error?.code ?? members.map(({ id }) => id).join())
}

function Members({ name }: { name: string }): ReactNode {
  return h('aside', null, usePresence(name).members.length)
}

/** For the server too. */
export function appOf(client: Basalt<UntypedSchema>): ReactNode {
  return h(StrictMode, null, h(BasaltProvider, { client, children: h(App) }))
}

export function show(next: View): void {
  view = next
  for (const listener of listeners) listener()
}

const { document: page } = globalThis as { document?: { querySelector(selector: string): never } }

if (page !== undefined) {
  const client = createClient(globalThis.options)
  const root = page.querySelector('#root')
  globalThis.app = {
    client,
    show,
    renders,
    heard,
    say: (text: string) => broadcast('said', text),
    start: () => createRoot(root).render(appOf(client)),
    hydrate: () => hydrateRoot(root, appOf(client)),
  }
}
