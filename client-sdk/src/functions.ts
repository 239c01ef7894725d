import type { CollectionName, Schema, UntypedSchema } from './define-schema.ts'
import type { Data, Document, SystemFields } from './document.ts'
import {
  type Callable,
  define,
  type FunctionContext,
  type FunctionDefinition,
  type FunctionOptions,
  schemaOf,
  type Shape,
  type ValueOf,
} from './functions/definition.ts'

export { reject } from './functions/definition.ts'
export type {
  Callable,
  FunctionContext,
  FunctionDefinition,
  FunctionEvent,
  FunctionLog,
  FunctionOptions,
  FunctionUser,
  InputOf,
  OutputOf,
} from './functions/definition.ts'

type Awaitable<T> = T | Promise<T>

/** What hooks see of a user: no secret. */
export interface HookedUser {
  readonly id: string
  readonly email: string | null
  readonly phone: string | null
  readonly isAnonymous: boolean
  readonly profile: Readonly<Record<string, unknown>>
  readonly roles: readonly string[]
  readonly claims: Readonly<Record<string, unknown>>
}

/** A write, before or after it: what it makes of the document, and what that was. */
export interface HookedWrite<After, Before> {
  readonly collection: string
  readonly id: string
  readonly document: After
  readonly before: Before
}

/** A document as it was sent: schema and rules judge what the hook makes of it, so no field is certain yet. */
export type Unchecked<S extends Schema, N extends CollectionName<S>> = SystemFields & {
  readonly [K in keyof Data<S, N>]?: unknown
}

export interface HookedFile {
  readonly bucket: string
  readonly path: string
  readonly contentType: string
  readonly size: number
}

export interface CallableOptions<I extends Shape, O extends Shape> extends FunctionOptions {
  /** Fields, as in a collection. What doesn't fit is refused with 400 before the handler runs. */
  readonly input?: I
  readonly output?: O
  /** Who may call: everybody, signed-in users (the default), or servers with a secret key. */
  readonly access?: 'public' | 'user' | 'server'
}

/** The makers of functions, for a project with this schema. */
export interface FunctionMakers<S extends Schema> {
  /**
   * A function that clients call: `basalt.functions.call('add', { a: 1, b: 2 })`.
   *
   * @example
   * export default callable({
   *   input: { a: number(), b: number() },
   *   output: { sum: number() },
   *   handler: ({ a, b }) => ({ sum: a + b }),
   * })
   */
  callable<I extends Shape = Record<never, never>, O extends Shape = Record<never, never>>(
    this: void,
    options: CallableOptions<I, O> & {
      handler: (input: ValueOf<I>, ctx: FunctionContext<S>) => Awaitable<ValueOf<O>>
    },
  ): Callable<ValueOf<I>, ValueOf<O>>
  /**
   * Answers requests at `/v1/projects/{ref}/http/…`, for everybody. `ANY` stands for all methods; `:name` and a
   * final `*` in the path are in the request's URL as they came.
   *
   * @example
   * export default http('POST /stripe', async (request, ctx) => new Response('ok'))
   */
  http(
    this: void,
    route: string,
    handler: (request: Request, ctx: FunctionContext<S>) => Awaitable<Response>,
  ): FunctionDefinition
  http(
    this: void,
    route: string,
    options: FunctionOptions,
    handler: (request: Request, ctx: FunctionContext<S>) => Awaitable<Response>,
  ): FunctionDefinition
  /** May return what is stored instead, or refuse by `reject`. Reads, and doesn't write. */
  beforeCreate: WriteHook<S, 'beforeCreate'>
  /** Before an update or a replacement: may return what is stored instead, or refuse by `reject`. */
  beforeUpdate: WriteHook<S, 'beforeUpdate'>
  /** May refuse by `reject`. */
  beforeDelete: WriteHook<S, 'beforeDelete'>
  /** After the COMMIT, at least once, with the same `event.id` each time. */
  afterCreate: WriteHook<S, 'afterCreate'>
  /** As `afterCreate`, of updates and replacements. */
  afterUpdate: WriteHook<S, 'afterUpdate'>
  /** As `afterCreate`, of deletions. */
  afterDelete: WriteHook<S, 'afterDelete'>
  /** As `afterCreate`, of every kind of write. */
  afterWrite: WriteHook<S, 'afterWrite'>
  /** May refuse a new account by `reject`. */
  beforeSignUp: UserHook<S, void>
  /** May refuse a sign-in by `reject`. */
  beforeSignIn: UserHook<S, void>
  /** Runs after an account was made. */
  afterSignUp: UserHook<S, void>
  /** Runs after a sign-in, once the second factor was shown where one is asked for. */
  afterSignIn: UserHook<S, void>
  /** What it returns stands in each new access token's `claims`, beside the user's own. */
  customClaims: UserHook<S, Readonly<Record<string, unknown>>>
  beforeUpload: FileHook<S>
  afterUpload: FileHook<S>
  /** Runs by the clock: `schedule('0 8 * * 1-5', { timezone: 'Europe/Berlin' }, report)`. */
  schedule(
    this: void,
    cron: string,
    options: FunctionOptions & { readonly timezone?: string; readonly catchUp?: boolean },
    handler: (input: null, ctx: FunctionContext<S>) => Awaitable<unknown>,
  ): FunctionDefinition
  /** Work in the background, with a payload. */
  task(
    this: void,
    name: string,
    options: FunctionOptions & { readonly maxAttempts?: number; readonly concurrency?: number },
    handler: (payload: unknown, ctx: FunctionContext<S>) => Awaitable<unknown>,
  ): FunctionDefinition
  /** Hears what is published to topics; a final `*` stands for what follows. */
  subscriber(
    this: void,
    topic: string,
    options: FunctionOptions & { readonly filter?: Readonly<Record<string, unknown>> },
    handler: (
      message: { readonly topic: string; readonly data: unknown },
      ctx: FunctionContext<S>,
    ) => unknown,
  ): FunctionDefinition
}

/** What the hooks of a collection's writes are given. */
interface Writes<S extends Schema, N extends CollectionName<S>> {
  beforeCreate: HookedWrite<Unchecked<S, N>, null>
  beforeUpdate: HookedWrite<Unchecked<S, N>, Document<S, N>>
  beforeDelete: HookedWrite<null, Document<S, N>>
  afterCreate: HookedWrite<Document<S, N>, null>
  afterUpdate: HookedWrite<Document<S, N>, Document<S, N>>
  afterDelete: HookedWrite<null, Document<S, N>>
  afterWrite: HookedWrite<Document<S, N> | null, Document<S, N> | null>
}

type WriteHook<S extends Schema, Kind extends keyof Writes<S, CollectionName<S>>> = <
  N extends CollectionName<S>,
>(
  collection: N,
  handler: (write: Writes<S, N>[Kind], ctx: FunctionContext<S>) => Awaitable<unknown>,
  options?: FunctionOptions,
) => FunctionDefinition
type UserHook<S extends Schema, R> = (
  handler: (user: HookedUser, ctx: FunctionContext<S>) => Awaitable<R>,
  options?: FunctionOptions,
) => FunctionDefinition
type FileHook<S extends Schema> = (
  bucket: string,
  handler: (file: HookedFile, ctx: FunctionContext<S>) => Awaitable<unknown>,
  options?: FunctionOptions,
) => FunctionDefinition

const writeHook =
  (kind: string) =>
  (
    collection: string,
    handler: FunctionDefinition['handler'],
    options: FunctionOptions = {},
  ): FunctionDefinition =>
    define(kind, { ...options, collection }, handler)

const userHook =
  <R>(kind: string): UserHook<UntypedSchema, R> =>
  (handler, options = {}) =>
    define(kind, { ...options }, handler)

const fileHook =
  (kind: string): FileHook<UntypedSchema> =>
  (bucket, handler, options = {}) =>
    define(kind, { ...options, bucket }, handler)

type HttpHandler = (request: Request, ctx: FunctionContext) => Awaitable<Response>

const makers: FunctionMakers<UntypedSchema> = {
  callable({ input, output, handler, ...options }) {
    const settings = { ...options, input: schemaOf(input), output: schemaOf(output) }
    return { ...define('callable', settings, handler), kind: 'callable' }
  },
  http(route: string, first: FunctionOptions | HttpHandler, second?: HttpHandler) {
    const handler = typeof first === 'function' ? first : second
    if (handler === undefined) throw new TypeError('http needs a handler')
    return define('http', { ...(typeof first === 'function' ? {} : first), route }, handler)
  },
  beforeCreate: writeHook('beforeCreate'),
  beforeUpdate: writeHook('beforeUpdate'),
  beforeDelete: writeHook('beforeDelete'),
  afterCreate: writeHook('afterCreate'),
  afterUpdate: writeHook('afterUpdate'),
  afterDelete: writeHook('afterDelete'),
  afterWrite: writeHook('afterWrite'),
  beforeSignUp: userHook('beforeSignUp'),
  beforeSignIn: userHook('beforeSignIn'),
  afterSignUp: userHook('afterSignUp'),
  afterSignIn: userHook('afterSignIn'),
  customClaims: userHook('customClaims'),
  beforeUpload: fileHook('beforeUpload'),
  afterUpload: fileHook('afterUpload'),
  schedule: (cron, options, handler) => define('schedule', { ...options, cron }, handler),
  task: (name, options, handler) => define('task', { ...options, task: name }, handler),
  subscriber: (topic, options, handler) => define('subscriber', { ...options, topic }, handler),
}

/**
 * The same makers with the types of a project's collections.
 *
 * @example
 * const { callable } = functionsFor<typeof schema>()
 */
export function functionsFor<S extends Schema>(): FunctionMakers<S> {
  // The types say more about `ctx.basalt`; what runs is the same.
  return makers as unknown as FunctionMakers<S>
}

export const { callable, http, schedule, task, subscriber } = makers
export const { beforeCreate, beforeUpdate, beforeDelete } = makers
export const { afterCreate, afterUpdate, afterDelete, afterWrite } = makers
export const { beforeSignUp, beforeSignIn, afterSignUp, afterSignIn, customClaims } = makers
export const { beforeUpload, afterUpload } = makers
