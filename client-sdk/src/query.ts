import type { AggregateOptions, Aggregations, Group } from './aggregate.ts'
import type { CollectionName, Schema } from './define-schema.ts'
import type { Document, IncludePath, Path, Row } from './document.ts'
import { type Filter, refuseUndefined } from './filter.ts'
import { type LiveQuery, liveQuery, type LiveQueryState } from './realtime/live.ts'
import type { LiveLists } from './realtime/live-list.ts'
import type { LiveRequest } from './realtime/protocol.ts'
import type { ApiRequest, Transport } from './transport.ts'

/** Longer ones go as POST: proxies and servers bound the length of a URL. */
const longestQueryString = 1500

export interface Page<R> {
  documents: R[]
  /** For `.after()`; null on the last page. */
  nextCursor: string | null
}

interface QueryState {
  readonly filters: readonly object[]
  readonly sort: readonly string[]
  readonly include: readonly string[]
  readonly fields: readonly string[]
  readonly limit?: number
  readonly after?: string
}

/** Where a query asks. */
export interface QuerySource {
  readonly transport: Transport
  readonly lists: LiveLists
  readonly collection: string
}

export function documentsPath({ collection }: QuerySource): string {
  return `/collections/${encodeURIComponent(collection)}/documents`
}

/** What a live query asks for, beside what the query before it does. */
export interface LiveOptions<T, F extends string = never> {
  readonly where?: Filter<T>
  readonly sort?: readonly NoInfer<Path<T> | `-${Path<T>}`>[]
  /** How many documents, 1 to 500; the server's default is 50. The next one moves up when one goes. */
  readonly limit?: number
  /** These and `id` only. */
  readonly fields?: readonly F[]
  /** Closes the query. */
  readonly signal?: AbortSignal
}

export const everything: QueryState = { filters: [], sort: [], include: [], fields: [] }

interface CallOptions {
  readonly signal?: AbortSignal
}

/**
 * A question to a collection. Each method answers a new query and leaves the old one as it was.
 *
 * @example
 * const latest = basalt.collection('posts').where({ status: 'live' }).orderBy('-createdAt').limit(20)
 * const { documents, nextCursor } = await latest.find()
 * for await (const post of latest) console.log(post.title)
 */
export class Query<
  S extends Schema,
  N extends CollectionName<S>,
  Included extends string = never,
  Selection extends string = never,
> implements AsyncIterable<Row<S, N, Included, Selection>> {
  readonly #source: QuerySource
  readonly #state: QueryState

  /** @internal */
  constructor(source: QuerySource, state: QueryState) {
    this.#source = source
    this.#state = state
  }

  /** Keeps what matches. Called again, both filters must hold. */
  where(filter: Filter<Document<S, N>>): Query<S, N, Included, Selection> {
    refuseUndefined(filter, 'where')
    return this.#with({ filters: [...this.#state.filters, filter] })
  }

  /** Sorts by fields, `-` for downwards. Ties are broken by `id`, so every order is total. */
  orderBy(
    ...fields: (Path<Document<S, N>> | `-${Path<Document<S, N>>}`)[]
  ): Query<S, N, Included, Selection> {
    return this.#with({ sort: fields })
  }

  /** How many documents a page holds, 1 to 500; the server's default is 50. */
  limit(documents: number): Query<S, N, Included, Selection> {
    return this.#with({ limit: documents })
  }

  /** Goes on behind a page's `nextCursor`. */
  after(cursor: string | null): Query<S, N, Included, Selection> {
    const { after: _, ...state } = this.#state
    return new Query(this.#source, cursor === null ? state : { ...state, after: cursor })
  }

  /** Puts documents in the place of the references to them: `include('author', 'author.team')`. */
  include<P extends IncludePath<S, N>>(...references: P[]): Query<S, N, Included | P, Selection> {
    return this.#with({ include: [...this.#state.include, ...references] })
  }

  /** Answers these fields (and `id`) only; of what was included before, `author.name`. */
  select<P extends Path<Row<S, N, Included>>>(...fields: P[]): Query<S, N, Included, Selection | P> {
    return this.#with({ fields: [...this.#state.fields, ...fields] })
  }

  /** One page. With `count`, also how many documents match in all. */
  find(
    options: CallOptions & { readonly count: true },
  ): Promise<Page<Row<S, N, Included, Selection>> & { count: number }>
  find(options?: CallOptions): Promise<Page<Row<S, N, Included, Selection>>>
  find({ count, signal }: CallOptions & { readonly count?: true } = {}): Promise<
    Page<Row<S, N, Included, Selection>>
  > {
    return this.#source.transport.json(
      findRequest(documentsPath(this.#source), this.#state, count === true, signal),
    )
  }

  /** The first match, or null. */
  async first(options?: CallOptions): Promise<Row<S, N, Included, Selection> | null> {
    const { documents } = await this.limit(1).find(options)
    return documents[0] ?? null
  }

  /** How many documents match. */
  async count(options?: CallOptions): Promise<number> {
    const state = { ...everything, filters: this.#state.filters, limit: 1, fields: ['id'] }
    const { count } = await new Query(this.#source, state).find({ ...options, count: true })
    return count
  }

  /** All pages from here on; `limit` sets their size. */
  async *pages(options?: CallOptions): AsyncGenerator<Page<Row<S, N, Included, Selection>>, void, undefined> {
    let page = await this.find(options)
    yield page
    while (page.nextCursor !== null) {
      page = await this.after(page.nextCursor).find(options)
      yield page
    }
  }

  /** Every match, fetched page by page. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row<S, N, Included, Selection>, void, undefined> {
    for await (const page of this.pages()) yield* page.documents
  }

  /**
   * Counts and sums in the server.
   *
   * @example
   * await posts.aggregate({ groupBy: ['status'], select: { n: { $count: true }, votes: { $sum: 'votes' } } })
   */
  async aggregate<
    const Select extends Aggregations<Document<S, N>>,
    GroupBy extends Path<Document<S, N>> = never,
  >({
    where,
    signal,
    ...rest
  }: AggregateOptions<Document<S, N>, GroupBy, Select>): Promise<Group<Document<S, N>, GroupBy, Select>[]> {
    const filters = where === undefined ? this.#state.filters : [...this.#state.filters, where]
    refuseUndefined(filters, 'where')
    if (rest.having !== undefined) refuseUndefined(rest.having, 'having')
    const body = { ...rest, where: combinedFilter(filters) }
    const { groups } = await this.#source.transport.json<{
      groups: Group<Document<S, N>, GroupBy, Select>[]
    }>({
      method: 'POST',
      path: `${documentsPath(this.#source)}/aggregate`,
      body,
      asks: true,
      signal,
    })
    return groups
  }

  /**
   * The documents that match, kept up to date while somebody listens: the callback, which is called at once and at
   * every change until `close`, or who subscribes to or iterates over what is returned. Without `include`.
   *
   * @example
   * const live = posts.where({ status: 'live' }).orderBy('-votes').live(({ documents = [] }) => show(documents))
   * live.close()
   */
  live(
    this: Query<S, N, never, Selection>,
    callback?: (state: LiveQueryState<Row<S, N, never, Selection>>) => void,
  ): LiveQuery<Row<S, N, never, Selection>>
  live<F extends Path<Document<S, N>> = never>(
    this: Query<S, N, never, Selection>,
    options: LiveOptions<Document<S, N>, F>,
    callback?: (state: LiveQueryState<Row<S, N, never, Selection | F>>) => void,
  ): LiveQuery<Row<S, N, never, Selection | F>>
  live(first: LiveOptions<Document<S, N>, string> | LiveCallback = {}, second?: LiveCallback): object {
    const [options, callback] = typeof first === 'function' ? [{}, first] : [first, second]
    const request = liveRequest(this.#source.collection, this.#state, options)
    const live = liveQuery<never>(this.#source.lists, request, options.signal)
    if (callback !== undefined) live.subscribe(callback)
    return live
  }

  #with<I extends string, F extends string>(change: Partial<QueryState>): Query<S, N, I, F> {
    return new Query(this.#source, { ...this.#state, ...change })
  }
}

type LiveCallback = (state: LiveQueryState<never>) => void

function liveRequest<T>(collection: string, state: QueryState, options: LiveOptions<T, string>): LiveRequest {
  if (state.include.length > 0) throw new TypeError('A live query includes nothing: follow what it refers to')
  if (state.after !== undefined) throw new TypeError('A live query has no pages: give it a greater limit')
  const filters = options.where === undefined ? state.filters : [...state.filters, options.where]
  refuseUndefined(filters, 'where')
  const where = combinedFilter(filters)
  const sort = options.sort ?? state.sort
  const limit = options.limit ?? state.limit
  const fields = [...state.fields, ...(options.fields ?? [])]
  return {
    collection,
    ...(where === undefined ? {} : { where }),
    ...(sort.length === 0 ? {} : { sort }),
    ...(limit === undefined ? {} : { limit }),
    ...(fields.length === 0 ? {} : { fields }),
  }
}

function findRequest(
  path: string,
  { filters, sort, limit, after, fields, include }: QueryState,
  count: boolean,
  signal: AbortSignal | undefined,
): ApiRequest {
  const where = combinedFilter(filters)
  const query = {
    where: where && JSON.stringify(where),
    sort: list(sort),
    limit: limit?.toString(),
    after,
    fields: list(fields),
    include: list(include),
    count: count ? 'true' : undefined,
  }
  const { length } = encodeURIComponent(Object.values(query).join(''))
  if (length <= longestQueryString) return { method: 'GET', path, query, signal }
  const body = { where, sort: query.sort, limit, after, fields: query.fields, include: query.include, count }
  return { method: 'POST', path: `${path}/query`, body, asks: true, signal }
}

function combinedFilter(filters: readonly object[]): object | undefined {
  return filters.length > 1 ? { $and: filters } : filters[0]
}

function list(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(',')
}
