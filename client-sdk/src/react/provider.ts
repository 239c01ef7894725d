import { createContext, createElement, type ReactNode, useContext } from 'react'
import type { Basalt, UntypedSchema } from '../client.ts'

/** What the hooks know of a client; `createHooks` knows the rest. */
type AnyClient = Basalt<UntypedSchema>

const Context = createContext<AnyClient | null>(null)

interface Props {
  readonly client: AnyClient
  readonly children?: ReactNode
}

export function BasaltProvider({ client, children }: Props): ReactNode {
  return createElement(Context.Provider, { value: client }, children)
}

export function useBasalt(): AnyClient {
  const client = useContext(Context)
  if (client === null) throw new Error('There is no BasaltProvider around this component')
  return client
}
