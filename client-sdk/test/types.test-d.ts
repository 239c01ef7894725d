// Checked by the compiler, never run: what users of the client may and may not write.
import { WebSocket as NodeWebSocket } from 'ws'
import {
  array,
  type Basalt,
  type BasaltError,
  boolean,
  collection,
  createClient,
  defineSchema,
  type Document,
  json,
  number,
  object,
  oneOf,
  point,
  reference,
  string,
  timestamp,
} from '../src/client.ts'
import { createHooks, useQuery as useAnyQuery } from '../src/react/react.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function sameType<A, B>(_same: Equal<A, B>): void {}

export const schema = defineSchema({
  collections: {
    teams: collection({ name: string() }),
    authors: collection({ name: string(), team: reference('teams').optional() }),
    posts: collection(
      {
        title: string(),
        status: oneOf('draft', 'live'),
        votes: number().optional(),
        pinned: boolean().optional(),
        tags: array(string()),
        related: array(reference('teams')).optional(),
        author: reference('authors'),
        reviewer: reference('authors').optional(),
        location: point().optional(),
        publishedAt: timestamp().optional(),
        address: object({ city: string(), zip: string().optional() }).optional(),
        meta: json().optional(),
      },
      { indexes: [{ fields: ['status', '-createdAt'] }, { fields: ['address.city'], unique: true }] },
    ),
  },
})

export async function acceptsAndRefuses(basalt: Basalt<typeof schema>): Promise<void> {
  const posts = basalt.collection('posts')

  // Documents
  type Post = Document<typeof schema, 'posts'>
  sameType<Post['status'], 'draft' | 'live'>(true)
  sameType<Post['votes'], number | undefined>(true)
  sameType<Post['tags'], string[]>(true)
  sameType<Post['version'], number>(true)
  sameType<NonNullable<Post['address']>, { city: string; zip?: string }>(true)

  // Collections and writes
  // @ts-expect-error there is no such collection
  basalt.collection('comments')
  await posts.create({ id: 'a', title: 't', status: 'live', tags: [], author: 'x' })
  await posts.create({ title: 't', status: 'live', tags: ['a'], author: 'x' } as const)
  // @ts-expect-error a required field is missing
  await posts.create({ title: 't', status: 'live', tags: [] })
  // @ts-expect-error not one of the values
  await posts.create({ title: 't', status: 'gone', tags: [], author: 'x' })
  // @ts-expect-error there is no such field
  await posts.create({ title: 't', status: 'live', tags: [], author: 'x', titel: 't' })

  await posts.update('a', { votes: { $increment: 1 }, tags: { $append: 'x' }, pinned: null })
  await posts.update('a', { publishedAt: { $now: true }, votes: { $unset: true }, address: { zip: null } })
  // @ts-expect-error text can't be incremented
  await posts.update('a', { title: { $increment: 1 } })
  // @ts-expect-error a required field can't be removed
  await posts.update('a', { title: null })
  // @ts-expect-error a list of texts takes texts
  await posts.update('a', { tags: { $append: [1] } })
  // @ts-expect-error there is no such field
  await posts.update('a', { titel: 'x' })

  // Filters
  posts.where({ votes: { $gte: 10 }, tags: { $contains: 'x' }, title: { $startsWith: 'A' } })
  posts.where({ status: { $in: ['draft'] }, createdAt: { $lt: '2030' }, 'address.city': 'Rome', votes: null })
  posts.where({ location: { $near: { point: [12.5, 41.9], maxDistance: 500 } } })
  posts.where({ $or: [{ pinned: true }, { $not: { votes: { $lt: 3 } } }], $search: 'words' })
  posts.where({ 'meta.any.depth': 3, meta: { a: 1 } })
  // @ts-expect-error there is no such field
  posts.where({ titel: 'x' })
  // @ts-expect-error there is no such field inside
  posts.where({ 'address.town': 'x' })
  // @ts-expect-error a number compares with numbers
  posts.where({ votes: { $gte: '10' } })
  // @ts-expect-error truth has no order
  posts.where({ pinned: { $gt: false } })
  // @ts-expect-error only lists contain
  posts.where({ title: { $contains: 'x' } })
  // @ts-expect-error only points are near
  posts.where({ tags: { $near: { point: [0, 0] } } })
  // @ts-expect-error not one of the values
  posts.where({ status: 'gone' })
  // @ts-expect-error a required field is never missing
  posts.where({ title: null })
  // @ts-expect-error logic holds filters of the same fields
  posts.where({ $or: [{ titel: 'x' }] })

  // Order and selection
  posts.orderBy('-votes', 'title', 'address.city')
  // @ts-expect-error there is no such field
  posts.orderBy('-titel')
  const brief = await posts.select('title', 'address.city').first()
  sameType<typeof brief, { readonly id: string; title: string; address?: { city: string } } | null>(true)
  // @ts-expect-error it was not selected
  void brief?.status
  // @ts-expect-error there is no such field
  posts.select('titel')

  // Includes
  const included = await posts.include('author', 'author.team', 'reviewer').first()
  sameType<NonNullable<NonNullable<typeof included>['author']>['name'], string>(true)
  sameType<
    NonNullable<NonNullable<NonNullable<typeof included>['author']>['team']>,
    Document<typeof schema, 'teams'>
  >(true)
  sameType<NonNullable<typeof included>['reviewer'], Document<typeof schema, 'authors'> | null | undefined>(
    true,
  )
  const got = await posts.get('a', { include: ['author'], fields: ['author'] })
  sameType<typeof got, { readonly id: string; author: Document<typeof schema, 'authors'> | null }>(true)
  const lists = await posts.include('related').first()
  sameType<NonNullable<typeof lists>['related'], Document<typeof schema, 'teams'>[] | undefined>(true)
  const inside = await posts.include('author', 'author.team').select('title', 'author.name').first()
  sameType<typeof inside, { readonly id: string; title: string; author: { name: string } | null } | null>(
    true,
  )
  // @ts-expect-error it was not included
  posts.select('author.name')
  // @ts-expect-error a title refers to nothing
  posts.include('title')
  // @ts-expect-error an author has no such reference
  posts.include('author.boss')

  // Pages, counts, iteration
  const page = await posts.find()
  // @ts-expect-error it was not asked for
  void page.count
  sameType<(typeof page)['documents'][number], Post>(true)
  const counted = await posts.find({ count: true })
  sameType<typeof counted.count, number>(true)
  for await (const post of posts.include('author')) sameType<typeof post.title, string>(true)

  // Aggregates
  const groups = await posts.aggregate({
    groupBy: ['status', 'address.city'],
    select: { n: { $count: true }, mean: { $avg: 'votes' }, last: { $max: 'publishedAt' } },
    sort: ['-n'],
  })
  sameType<
    (typeof groups)[number],
    {
      status: 'draft' | 'live'
      'address.city': string | null
      n: number
      mean: number | null
      last: string | null
    }
  >(true)
  // @ts-expect-error text has no sum
  await posts.aggregate({ select: { total: { $sum: 'title' } } })

  // Transactions
  const [created, gone] = await basalt.transaction((tx) => [
    tx.create('teams', { name: 'x' }),
    tx.delete('posts', 'a', { ifVersion: 1 }),
  ])
  sameType<typeof created, Document<typeof schema, 'teams'>>(true)
  sameType<typeof gone, null>(true)
  const nothing = await basalt.transaction((tx) => {
    tx.check('teams', 'x')
  })
  sameType<typeof nothing, void>(true)
  // @ts-expect-error a team has no title
  await basalt.transaction((tx) => tx.create('teams', { title: 'x' }))

  // Changes
  for await (const change of basalt.changes()) {
    if (change.collection === 'teams' && change.kind === 'update')
      sameType<typeof change.before.name, string>(true)
  }
}

// @ts-expect-error there is no collection to refer to
defineSchema({ collections: { posts: collection({ author: reference('authers') }) } })

// @ts-expect-error an index on a field that isn't there
collection({ title: string() }, { indexes: [{ fields: ['titel'] }] })

/** Without a schema everything goes, and nothing is promised. */
export async function untyped(): Promise<void> {
  const basalt = createClient({ url: 'http://localhost:4000', project: 'demo', key: 'pk_x' })
  const notes = basalt.collection('notes')
  const note = await notes.create({ text: 'hello', tags: ['a'] })
  sameType<typeof note.id, string>(true)
  sameType<(typeof note)['text'], unknown>(true)
  notes.where({ text: { $startsWith: 'he' }, 'a.b': 1, $or: [{ x: 1 }] }).orderBy('-text', 'a.b')
  await notes.update('a', { text: null, n: { $increment: 1 } })
  const joined = await notes.include('author', 'author.team').select('text').first()
  sameType<NonNullable<typeof joined>['id'], string>(true)
  await notes.aggregate({ groupBy: ['kind'], select: { n: { $count: true }, total: { $sum: 'price' } } })
}

export async function users(): Promise<void> {
  const typed = createClient<typeof schema, { name: string }>({ url: '', project: '', key: '' })
  const session = await typed.auth.getSession()
  sameType<NonNullable<typeof session>['user']['profile'], { name: string }>(true)
  sameType<Awaited<ReturnType<ReturnType<typeof typed.as>['auth']['getUser']>>['profile'], { name: string }>(
    true,
  )

  typed.auth.onAuthStateChange((state) => {
    // @ts-expect-error -- nobody may be signed in
    void state.user
    if (state.status === 'signedIn') sameType<typeof state.user.profile, { name: string }>(true)
  })

  await typed.auth.verifyOtp({ phone: '+43123456789', code: '123456' })
  await typed.auth.verifyOtp({ token: 'of a link' })
  // @ts-expect-error -- a code is for one address
  await typed.auth.verifyOtp({ email: 'a@example.com', phone: '+43123456789', code: '123456' })
  // @ts-expect-error -- a profile has its shape from the start
  await typed.auth.signUp({ email: 'a@example.com', password: 'p', profile: { name: 1 } })
  // @ts-expect-error -- roles are not the user's to give
  await typed.auth.updateUser({ roles: ['admin'] })
}

export async function acceptsAndRefusesLive(basalt: Basalt<typeof schema>): Promise<void> {
  const posts = basalt.collection('posts')
  type Post = Document<typeof schema, 'posts'>

  // Live queries
  const live = posts.where({ status: 'live' }).live()
  sameType<typeof live.state.documents, readonly Post[] | undefined>(true)
  if (live.state.status === 'live') sameType<typeof live.state.documents, readonly Post[]>(true)
  if (live.state.status === 'failed') sameType<typeof live.state.error, BasaltError>(true)
  // @ts-expect-error only what failed has an error
  void live.state.error
  for await (const documents of live) sameType<typeof documents, readonly Post[]>(true)
  live.onChange(([change]) => {
    if (change?.kind === 'added') sameType<typeof change.index, number>(true)
    // @ts-expect-error what is gone stands nowhere
    if (change?.kind === 'removed') void change.index
  })
  posts.live(({ documents = [] }) => documents.map(({ title }) => title.length))
  posts.live({ where: { votes: { $gte: 10 } }, sort: ['-votes', 'title'], limit: 3 }, (state) => state.status)
  const narrow = posts.live({ fields: ['title', 'address.city'] })
  sameType<
    NonNullable<typeof narrow.state.documents>[number],
    { readonly id: string; title: string; address?: { city: string } }
  >(true)
  const selected = posts.select('title', 'address.city').live()
  sameType<typeof narrow, typeof selected>(true)
  // @ts-expect-error there is no such field
  posts.live({ where: { titel: 'x' } })
  // @ts-expect-error there is no such field to sort by
  posts.live({ sort: ['titel'] })
  // @ts-expect-error there is no such field to show
  posts.live({ fields: ['titel'] })
  // @ts-expect-error nothing is included live
  posts.include('author').live()

  // Live documents
  const post = posts.liveDocument('a')
  sameType<typeof post.state.document, Post | null | undefined>(true)
  posts.liveDocument('a', { fields: ['title'] }, ({ document }) => document?.title.length)
  // @ts-expect-error that was not asked for
  posts.liveDocument('a', { fields: ['title'] }, ({ document }) => document?.votes)

  // Channels
  const board = basalt.channel<{ name: string }, { moved: { x: number } }>('board:7')
  await board.join({ presence: { name: 'Ada' } })
  board.on('moved', ({ x }, { uid }) => sameType<[typeof x, typeof uid], [number, string | null]>(true))
  board.broadcast('moved', { x: 1 })
  board.presence.update(null)
  sameType<(typeof board.presence.members)[number]['presence'], { name: string }>(true)
  // @ts-expect-error there is no such event
  board.broadcast('typed', { x: 1 })
  // @ts-expect-error not what this event carries
  board.broadcast('moved', { y: 1 })
  // @ts-expect-error not what members show
  board.presence.update({ nick: 'Ada' })
  basalt.channel('any').on('event', (payload) => sameType<typeof payload, unknown>(true))
}

/** Any platform's sockets will do. */
export function sockets(): void {
  createClient({ url: '', project: '', key: '', webSocket: WebSocket })
  createClient({ url: '', project: '', key: '', webSocket: NodeWebSocket })
  // @ts-expect-error that is none
  createClient({ url: '', project: '', key: '', webSocket: Date })
}

/** The hooks of a schema. */
export function hooks(basalt: Basalt<typeof schema, { name: string }>): void {
  const { BasaltProvider, useBasalt, useChannel, useDocument, usePresence, useQuery, useUser } = createHooks<
    typeof schema,
    { name: string }
  >()
  type Post = Document<typeof schema, 'posts'>
  void BasaltProvider({ client: basalt })
  sameType<ReturnType<typeof useBasalt>, typeof basalt>(true)
  sameType<NonNullable<ReturnType<typeof useUser>>['profile'], { name: string }>(true)
  const posts = useQuery('posts', { where: { status: 'live' }, sort: ['-votes'] })
  sameType<typeof posts.documents, readonly Post[] | undefined>(true)
  if (posts.status === 'live') sameType<typeof posts.documents, readonly Post[]>(true)
  useQuery('posts', null)
  const titles = useQuery('posts', { fields: ['title'] })
  sameType<NonNullable<typeof titles.documents>[number], { readonly id: string; title: string }>(true)
  const { document } = useDocument('authors', 'ada')
  sameType<typeof document, Document<typeof schema, 'authors'> | null | undefined>(true)
  const { members } = usePresence<{ name: string }>('room', { name: 'Ada' })
  sameType<NonNullable<(typeof members)[0]>['presence'], { name: string }>(true)
  const { broadcast } = useChannel<unknown, { moved: { x: number } }>('room', {
    on: { moved: ({ x }) => sameType<typeof x, number>(true) },
  })
  broadcast('moved', { x: 1 })
  // @ts-expect-error there is no such collection
  useQuery('comments')
  // @ts-expect-error there is no such field
  useQuery('posts', { where: { titel: 'x' } })
  // @ts-expect-error there is no such field
  useDocument('posts', 'a', { fields: ['titel'] })
  // @ts-expect-error not what this event carries
  broadcast('moved', { y: 1 })
  const other = createClient({ url: '', project: '', key: '' })
  // @ts-expect-error another project's client
  void BasaltProvider({ client: other })

  // Without a schema
  const anything = useAnyQuery('anything', { where: { x: 1 } })
  sameType<NonNullable<typeof anything.documents>[number]['id'], string>(true)
  sameType<NonNullable<typeof anything.documents>[number]['title'], unknown>(true)
}
