import { useCallback, useMemo, useSyncExternalStore } from 'react'
import type { LiveOptions } from '../client.ts'
import { canonicalJson } from '../realtime/same-json.ts'
import { useBasalt } from './provider.ts'

type AnyOptions = LiveOptions<Record<string, unknown>, string>

interface Store<State> {
  readonly state: State
  subscribe(callback: () => void): () => void
}

// What a server renders, and a browser first: the documents come when the component is there.
const loadingList = { status: 'loading', documents: undefined } as const
const loadingDocument = { status: 'loading', document: undefined } as const
const noList = { status: 'idle', documents: undefined } as const
const noDocument = { status: 'idle', document: undefined } as const

export function useQuery(collection: string, query: AnyOptions | null = {}): object {
  const client = useBasalt()
  const key = query === null ? null : canonicalJson(query)
  const live = useMemo(
    () => query && client.collection(collection).live(query),
    // The key stands for the query: one that says the same in other objects is no other.
    [client, collection, key],
  )
  return useStore<object>(live, noList, loadingList)
}

export function useDocument(
  collection: string,
  id: string | null,
  options: { readonly fields?: readonly string[] } = {},
): object {
  const client = useBasalt()
  const key = options.fields?.join()
  const live = useMemo(
    () => (id === null ? null : client.collection(collection).liveDocument(id, options)),
    // Here too.
    [client, collection, id, key],
  )
  return useStore<object>(live, noDocument, loadingDocument)
}

/** A live query is asked for when the component is there, and no more when it has gone: rendering alone asks nothing. */
function useStore<State>(store: Store<State> | null, none: State, onServer: State): State {
  const subscribe = useCallback((callback: () => void) => store?.subscribe(callback) ?? nothing, [store])
  return useSyncExternalStore(
    subscribe,
    () => store?.state ?? none,
    () => (store === null ? none : onServer),
  )
}

function nothing(): void {}
