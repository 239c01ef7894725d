import type { CollectionName, Schema } from './define-schema.ts'
import type { Data, Document, IncludePath, Input, NewDocument, Path, Row } from './document.ts'
import { exportDocuments } from './export-documents.ts'
import { importDocuments, type ImportOptions, type ImportSummary } from './import-documents.ts'
import type { Patch } from './patch.ts'
import { documentsPath, everything, Query, type QuerySource } from './query.ts'
import { type LiveDocument, liveDocument, type LiveDocumentState } from './realtime/live.ts'
import type { Transport } from './transport.ts'

interface CallOptions {
  readonly signal?: AbortSignal
}

interface WriteOptions extends CallOptions {
  /** Write only if the document still has this version, else fail with `version_mismatch`. */
  readonly ifVersion?: number
}

/** The documents of one collection: single ones by id, and all of them as the query that asks for everything. */
export class CollectionClient<S extends Schema, N extends CollectionName<S>> extends Query<S, N> {
  readonly #source: QuerySource
  readonly #transport: Transport
  readonly #path: string

  /** @internal */
  constructor(source: QuerySource) {
    super(source, everything)
    this.#source = source
    this.#transport = source.transport
    this.#path = documentsPath(source)
  }

  /** One document. Fails with `not_found` if there is none, or none that the caller may read. */
  get<Included extends IncludePath<S, N> = never, Selection extends Path<Row<S, N, Included>> = never>(
    id: string,
    options: CallOptions & {
      readonly include?: readonly Included[]
      readonly fields?: readonly Selection[]
    } = {},
  ): Promise<Row<S, N, Included, Selection>> {
    const query = { include: options.include?.join(','), fields: options.fields?.join(',') }
    return this.#transport.json({ method: 'GET', path: this.#pathOf(id), query, signal: options.signal })
  }

  /** One document, kept up to date as a live query is; null as long as there is none that the caller may read. */
  liveDocument<Selection extends Path<Document<S, N>> = never>(
    id: string,
    options: CallOptions & { readonly fields?: readonly Selection[] } = {},
    callback?: (state: LiveDocumentState<Row<S, N, never, Selection>>) => void,
  ): LiveDocument<Row<S, N, never, Selection>> {
    checkId(id)
    const { fields = [], signal } = options
    const { collection, lists } = this.#source
    const request = { collection, document: id, ...(fields.length === 0 ? {} : { fields }) }
    const live = liveDocument<Row<S, N, never, Selection>>(lists, request, signal)
    if (callback !== undefined) live.subscribe(callback)
    return live
  }

  /** Creates a document, under a new id if `data` names none. Fails with `already_exists` on a taken id. */
  create(data: NewDocument<S, N>, options: CallOptions = {}): Promise<Document<S, N>> {
    return this.#transport.json({ method: 'POST', path: this.#path, body: data, ...options })
  }

  /** Merges a change into a document. */
  update(id: string, patch: Patch<Data<S, N>>, options: WriteOptions = {}): Promise<Document<S, N>> {
    const { signal } = options
    const headers = preconditions(options)
    return this.#transport.json({ method: 'PATCH', path: this.#pathOf(id), body: patch, headers, signal })
  }

  /** Puts a document in the place of the old one, or creates it; with `ifNoneMatch: '*'` creates only. */
  replace(
    id: string,
    data: Input<Data<S, N>>,
    options: WriteOptions & { readonly ifNoneMatch?: '*' } = {},
  ): Promise<Document<S, N>> {
    const { signal } = options
    const headers = preconditions(options)
    return this.#transport.json({ method: 'PUT', path: this.#pathOf(id), body: data, headers, signal })
  }

  delete(id: string, options: WriteOptions = {}): Promise<void> {
    const { signal } = options
    const headers = preconditions(options)
    return this.#transport.empty({ method: 'DELETE', path: this.#pathOf(id), headers, signal })
  }

  /** Loads many documents, with a secret key. See {@link ImportOptions}. */
  import(
    documents: Iterable<NewDocument<S, N>> | AsyncIterable<NewDocument<S, N>>,
    options: ImportOptions = {},
  ): Promise<ImportSummary> {
    return importDocuments(this.#transport, this.#path, documents, options)
  }

  /** Every document of the collection, with a secret key, as one stream. */
  export(options: CallOptions = {}): AsyncGenerator<Document<S, N>, void, undefined> {
    return exportDocuments(this.#transport, this.#path, options.signal)
  }

  #pathOf(id: string): string {
    checkId(id)
    return `${this.#path}/${id}`
  }
}

function checkId(id: string): void {
  // An empty id would address the whole collection, and a dot its parent.
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) throw new TypeError(`'${id}' is not the id of a document`)
}

function preconditions(options: {
  readonly ifVersion?: number
  readonly ifNoneMatch?: '*'
}): Record<string, string> {
  return {
    ...(options.ifVersion === undefined ? {} : { 'if-match': `"${options.ifVersion}"` }),
    ...(options.ifNoneMatch === undefined ? {} : { 'if-none-match': options.ifNoneMatch }),
  }
}
