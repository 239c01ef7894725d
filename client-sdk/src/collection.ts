import type { CollectionName, Schema } from './define-schema.ts'
import type { Data, Document, IncludePath, Input, NewDocument, Path, Row } from './document.ts'
import { exportDocuments } from './export-documents.ts'
import { importDocuments, type ImportOptions, type ImportSummary } from './import-documents.ts'
import type { Patch } from './patch.ts'
import { everything, Query } from './query.ts'
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
  readonly #transport: Transport
  readonly #path: string

  /** @internal */
  constructor(transport: Transport, name: N) {
    const path = `/collections/${encodeURIComponent(name)}/documents`
    super(transport, path, everything)
    this.#transport = transport
    this.#path = path
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
    // An empty id would address the whole collection, and a dot its parent.
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) throw new TypeError(`'${id}' is not the id of a document`)
    return `${this.#path}/${id}`
  }
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
