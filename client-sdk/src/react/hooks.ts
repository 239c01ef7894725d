import type { ReactNode } from 'react'
import type {
  AuthState,
  Basalt,
  BasaltError,
  Channel,
  ChannelState,
  CollectionName,
  ConnectionState,
  Document,
  LiveDocumentState,
  LiveOptions,
  LiveQueryState,
  Member,
  Path,
  Row,
  Schema,
  User,
} from '../client.ts'

/** How a query of a component stands; `idle` if it asked for none. */
export type QueryView<T> = LiveQueryState<T> | { readonly status: 'idle'; readonly documents: undefined }

/** How a document of a component stands; `idle` if it asked for none. */
export type DocumentView<T> = LiveDocumentState<T> | { readonly status: 'idle'; readonly document: undefined }

export interface ChannelOptions<Presence, Events> {
  /** What the others see of this one; null, or none: nothing. Equal values are one. */
  readonly presence?: Presence | null | undefined
  /** What to do with messages, by their name. They may be new functions each time. */
  readonly on?: {
    readonly [Event in keyof Events]?: (
      payload: Events[Event],
      sender: { readonly uid: string | null },
    ) => void
  }
}

/** How a channel of a component stands. */
export interface ChannelView<Presence, Events> {
  readonly status: ChannelState['status']
  /** Why it failed. */
  readonly error: BasaltError | undefined
  readonly members: readonly Member<Presence>[]
  /** See `Channel.broadcast`. */
  readonly broadcast: Channel<Presence, Events>['broadcast']
}

/** The hooks of a project. */
export interface Hooks<S extends Schema, Profile> {
  /** Gives the components inside a client. */
  readonly BasaltProvider: (props: {
    readonly client: Basalt<S, Profile>
    readonly children?: ReactNode
  }) => ReactNode
  readonly useBasalt: () => Basalt<S, Profile>
  /**
   * The documents that match, kept up to date while the component is there. Queries that are equal by value are one,
   * however often they are written anew. Null asks for nothing.
   *
   * @example
   * const { status, documents = [] } = useQuery('posts', { where: { author: user.id }, sort: ['-createdAt'] })
   */
  readonly useQuery: <N extends CollectionName<S>, F extends Path<Document<S, N>> = never>(
    collection: N,
    query?: Omit<LiveOptions<Document<S, N>, F>, 'signal'> | null,
  ) => QueryView<Row<S, N, never, F>>
  /** One document, null if there is none; an id that is null asks for nothing. */
  readonly useDocument: <N extends CollectionName<S>, F extends Path<Document<S, N>> = never>(
    collection: N,
    id: string | null,
    options?: { readonly fields?: readonly F[] },
  ) => DocumentView<Row<S, N, never, F>>
  /** Who is signed in; null for nobody, undefined until that is known. */
  readonly useUser: () => User<Profile> | null | undefined
  /** The same as a union, which tells a user who owes a second factor too. */
  readonly useAuthState: () => AuthState<Profile>
  /** A channel, joined while the component is there. Null joins none. */
  readonly useChannel: <Presence = unknown, Events = Record<string, unknown>>(
    name: string | null,
    options?: ChannelOptions<Presence, Events>,
  ) => ChannelView<Presence, Events>
  /** Who is in a channel; with `presence`, as one of them. */
  readonly usePresence: <Presence = unknown>(
    name: string | null,
    presence?: Presence | null,
  ) => ChannelView<Presence, Record<string, unknown>>
  readonly useConnection: () => ConnectionState
}
