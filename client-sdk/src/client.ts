import { AuthSettingsClient } from './administration/auth-settings.ts'
import { UsersClient } from './administration/users.ts'
import { AuthClient } from './auth/auth-client.ts'
import { type AuthStorage, defaultStorage, memoryStorage } from './auth/auth-storage.ts'
import { keepSession, type Session, type UntypedProfile } from './auth/session.ts'
import { SessionKeeper } from './auth/session-keeper.ts'
import { type Change, type ChangesOptions, readChanges } from './changes.ts'
import { broadcast, type ChannelsClient, createChannelsClient } from './channels.ts'
import { CollectionClient } from './collection.ts'
import { applySchema, type CollectionChanges, type CollectionsClient } from './collections.ts'
import { createCollectionsClient, type PutOptions } from './collections.ts'
import type { CollectionName, Schema, UntypedSchema } from './define-schema.ts'
import { createFunctionsClient, type FunctionsClient } from './functions/functions-client.ts'
import { Channel } from './realtime/channel.ts'
import { LiveLists } from './realtime/live-list.ts'
import { Realtime, type RealtimeClient } from './realtime/realtime.ts'
import { socketCredentials } from './realtime/socket-credentials.ts'
import type { WebSocketConstructor } from './realtime/web-socket.ts'
import { createTasksClient, type TasksClient } from './tasks.ts'
import { createTopicsClient, type TopicsClient } from './topics.ts'
import { runTransaction, type Settled, type Transaction } from './transaction.ts'
import { createTransport, type Fetch, type TokenProvider, type TransportOptions } from './transport.ts'

export type {
  AuthClient,
  Credentials,
  EmailProof,
  FactorProof,
  Recipient,
  SignedInDevice,
  SignUpResult,
  UserChange,
} from './auth/auth-client.ts'
export { browserStorage, cookieStorage, memoryStorage } from './auth/auth-storage.ts'
export type { AuthStorage, CookieAttributes, CookieJar } from './auth/auth-storage.ts'
export type { AccountExport } from './auth/account-export.ts'
export type { IdentitiesClient, Identity, IdToken } from './auth/identities.ts'
export type { Passkey, PasskeysClient } from './auth/passkeys.ts'
export type { EnrolledFactor, Factor, Factors, FactorsClient } from './auth/factors.ts'
export type { AuthState } from './auth/session-keeper.ts'
export type { Session, UntypedProfile, User } from './auth/session.ts'
export type {
  AuthSecretsChange,
  AuthSettings,
  AuthSettingsClient,
  MailTemplate,
  OutboxMail,
  ProviderSettings,
  ShownAuthSettings,
} from './administration/auth-settings.ts'
export type {
  ImportedUser,
  ManagedFactors,
  ManagedUser,
  ManagedUserChange,
  NewUser,
  PasswordHash,
  UserPage,
  UsersClient,
  UserSearch,
} from './administration/users.ts'
export { BasaltError, type ErrorCode, type Issue } from './basalt-error.ts'
export { collection, defineSchema } from './define-schema.ts'
export type {
  CollectionDefinition,
  CollectionIndex,
  CollectionName,
  CollectionRules,
  CollectionSchema,
  Schema,
  UntypedSchema,
} from './define-schema.ts'
export { array, boolean, integer, json, number, object, oneOf, point, reference } from './fields.ts'
export { string, timestamp, type Field, type FieldRules, type JsonSchema, type Point } from './fields.ts'
export type { Data, Document, NewDocument, Path, Row, SystemFields } from './document.ts'
export type { Aggregation, AggregateOptions, Group } from './aggregate.ts'
export type { Change, ChangesOptions } from './changes.ts'
export type { ChannelDefinition, ChannelInfo, ChannelRules, ChannelsClient } from './channels.ts'
export type { CollectionClient } from './collection.ts'
export type {
  CollectionChange,
  CollectionChanges,
  CollectionInfo,
  CollectionsClient,
  PutOptions,
} from './collections.ts'
export type { CallOptions, FunctionsClient } from './functions/functions-client.ts'
export type { Filter, Operators } from './filter.ts'
export type { ImportFault, ImportOptions, ImportSummary } from './import-documents.ts'
export type { Patch } from './patch.ts'
export type { LiveOptions, Page, Query } from './query.ts'
export type { Channel, ChannelState, Sender } from './realtime/channel.ts'
export type { ConnectionState } from './realtime/connection-state.ts'
export type { LiveChange } from './realtime/documents-list.ts'
export type { LiveDocument, LiveDocumentState, LiveQuery, LiveQueryState } from './realtime/live.ts'
export type { MemberList } from './realtime/member-list.ts'
export type { Member } from './realtime/protocol.ts'
export type { RealtimeClient } from './realtime/realtime.ts'
export type { WebSocketConstructor, WebSocketLike } from './realtime/web-socket.ts'
export type {
  EnqueueOptions,
  Schedule,
  ScheduleDefinition,
  SchedulesClient,
  Task,
  TaskListOptions,
  TaskQueue,
  TaskQueuesClient,
  TasksClient,
  TaskSettings,
  TaskState,
  TaskSummary,
} from './tasks.ts'
export type { ProjectSettings, Settings } from './settings.ts'
export type { PublishedMessage, TopicsClient } from './topics.ts'
export type { Pending, Settled, Transaction } from './transaction.ts'
export type { Fetch, TokenProvider } from './transport.ts'

export interface ClientOptions<S extends Schema> {
  /** Where the server is: `https://api.example.com`. */
  readonly url: string
  /** The project's `ref`. */
  readonly project: string
  /** `pk_…` in apps; `sk_…`, which passes every rule, on servers only. */
  readonly key: string
  /** Gives the client its types; `createClient<typeof schema>` does too, without the value. */
  readonly schema?: S
  /** Users sign in through `basalt.auth`; this is for access tokens that come from elsewhere. */
  readonly accessToken?: string | TokenProvider
  readonly auth?: {
    /** Where the session is kept. Default: `localStorage` in a page, else memory. */
    readonly storage?: AuthStorage
    /** What the user sees in the list of devices: `Ada’s phone`. */
    readonly deviceName?: string
  }
  /** For a call with all its retries. Default 30,000. */
  readonly timeoutMs?: number
  /** Tries after the first, for what may pass: broken connections, 429, 502, 503, 504. Default 3. */
  readonly retries?: number
  /** Default: the platform's `fetch`. */
  readonly fetch?: Fetch
  /** For live queries and channels. Default: the platform's `WebSocket`; Node has one since version 22. */
  readonly webSocket?: WebSocketConstructor
}

/** A project of a Basalt server. */
export interface Basalt<S extends Schema, Profile = UntypedProfile> {
  /** Signing in, and the user's account. */
  readonly auth: AuthClient<Profile>
  /**
   * A client that acts as a user, with nothing kept beyond itself: for servers, with the access token of a request
   * or with a session, which it refreshes.
   */
  as(user: string | Session<Profile>): Basalt<S, Profile>
  /** The project's users. For secret keys. */
  readonly users: UsersClient<Profile>
  /** How they sign in, and the mails that they get. For secret keys. */
  readonly authSettings: AuthSettingsClient
  /** The documents of a collection. */
  collection<N extends CollectionName<S>>(name: N): CollectionClient<S, N>
  /**
   * Writes several documents or none. The callback collects; what it returns says which results are wanted.
   *
   * @example
   * const [order] = await basalt.transaction((tx) => [
   *   tx.create('orders', { item: 'lamp' }),
   *   tx.update('stock', 'lamp', { left: { $increment: -1 } }, { ifVersion: 7 }),
   * ])
   */
  transaction<const R>(
    collect: (tx: Transaction<S>) => R,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Settled<R>>
  /** The committed writes of the project, in order. For secret keys. */
  changes(options?: ChangesOptions): AsyncGenerator<Change<S>, void, undefined>
  /**
   * A channel: messages between those who are in it, and who they are. Each call is a membership of its own.
   * Its types: `channel<Presence, { moved: { x: number; y: number } }>('board:7')`.
   */
  channel<Presence = unknown, Events = Record<string, unknown>>(name: string): Channel<Presence, Events>
  /** Sends to everybody in a channel without being in it, as servers do. Fails with `forbidden` if the rules say no. */
  broadcast(
    channel: string,
    event: string,
    payload: unknown,
    options?: { readonly signal?: AbortSignal },
  ): Promise<void>
  /** The socket behind live queries and channels. It opens with the first and closes some seconds after the last. */
  readonly realtime: RealtimeClient
  readonly channels: ChannelsClient
  readonly collections: CollectionsClient
  /** The project's own functions. */
  readonly functions: FunctionsClient
  /** Work in the background. For secret keys. */
  readonly tasks: TasksClient
  /** Messages to the project's own functions. For secret keys. */
  readonly topics: TopicsClient
  /** Puts every collection of a schema. For secret keys. */
  applySchema(schema: Schema, options?: PutOptions): Promise<CollectionChanges[]>
}

/**
 * Connects to a project; no request is made yet.
 *
 * @example
 * const basalt = createClient({ url: 'http://localhost:4000', project: 'demo', key: 'pk_…', schema })
 * const post = await basalt.collection('posts').create({ title: 'Hello' })
 */
export function createClient<S extends Schema = UntypedSchema, Profile = UntypedProfile>(
  options: ClientOptions<S>,
): Basalt<S, Profile> {
  const { url, project, key, accessToken, timeoutMs = 30_000, retries = 3 } = options
  if (key.startsWith('sk_') && accessToken !== undefined) {
    throw new TypeError('A secret key acts for itself: use a publishable key with an access token')
  }
  const connection: Connection = {
    baseUrl: `${url.replace(/\/+$/, '')}/v1/projects/${encodeURIComponent(project)}`,
    key,
    // Browsers refuse a `fetch` that is called as a method of something else.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    timeoutMs,
    retries,
    webSocket: options.webSocket,
  }
  const { storage = defaultStorage(), deviceName } = options.auth ?? {}
  return connect(connection, { storage, storageKey: `basalt-${project}`, accessToken, deviceName })
}

interface Connection extends Omit<TransportOptions, 'accessToken'> {
  readonly webSocket: WebSocketConstructor | undefined
}

interface UserSource {
  readonly storage: AuthStorage
  readonly storageKey: string
  /** Instead of the session that is kept in the storage. */
  readonly accessToken?: string | TokenProvider | undefined
  readonly deviceName?: string | undefined
}

function connect<S extends Schema, Profile>(
  connection: Connection,
  { storage, storageKey, accessToken, deviceName }: UserSource,
): Basalt<S, Profile> {
  const named = { ...connection, headers: deviceName === undefined ? {} : nameOfDevice(deviceName) }
  const open = createTransport({ ...named, accessToken: () => null })
  const keeper = new SessionKeeper<Profile>(open, storage, storageKey)
  const given = tokenProvider(accessToken)
  const token: TokenProvider = given ?? ((refused) => keeper.accessToken(refused))
  const transport = createTransport({ ...connection, accessToken: token })
  const credentials = socketCredentials(connection, token, given === undefined ? keeper : null)
  const realtime = new Realtime(credentials, connection.webSocket)
  const lists = new LiveLists(realtime)
  const collections = createCollectionsClient(transport)
  const asUser = createTransport({ ...named, accessToken: token })
  return {
    auth: new AuthClient({ open, asUser, keeper, storage, redirectKey: `${storageKey}-redirect` }),
    users: new UsersClient(transport),
    authSettings: new AuthSettingsClient(transport),
    as: (user) => actAs(connection, storageKey, user),
    collection: (name) => new CollectionClient({ transport, lists, collection: name }),
    transaction: (collect, { signal } = {}) => runTransaction(transport, collect, signal),
    changes: (changesOptions = {}) => readChanges(transport, changesOptions),
    channel: (name) => new Channel(realtime, name),
    broadcast: (channel, event, payload, callOptions) =>
      broadcast(transport, channel, { event, payload }, callOptions),
    realtime,
    channels: createChannelsClient(transport),
    collections,
    functions: createFunctionsClient(transport),
    tasks: createTasksClient(transport),
    topics: createTopicsClient(transport),
    applySchema: (schema, putOptions) => applySchema(collections, schema, putOptions),
  }
}

/** Headers carry ASCII only. */
function nameOfDevice(name: string): Record<string, string> {
  return { 'x-device-name': encodeURIComponent(name) }
}

function actAs<S extends Schema, Profile>(
  connection: Connection,
  storageKey: string,
  user: string | Session<Profile>,
): Basalt<S, Profile> {
  const storage = memoryStorage()
  // The user's rights and nothing of the server's own.
  const asUser = connection.key?.startsWith('sk_') ? { ...connection, key: null } : connection
  if (typeof user === 'string') return connect(asUser, { storage, storageKey, accessToken: user })
  void storage.set(storageKey, JSON.stringify(keepSession(user)))
  return connect(asUser, { storage, storageKey })
}

function tokenProvider(accessToken: string | TokenProvider | undefined): TokenProvider | undefined {
  return typeof accessToken === 'string' ? () => accessToken : accessToken
}
