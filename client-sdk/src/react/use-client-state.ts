import { useCallback, useSyncExternalStore } from 'react'
import type { AuthState, ConnectionState, UntypedProfile, User } from '../client.ts'
import { useBasalt } from './provider.ts'

type State = AuthState<UntypedProfile>

const loading: State = { status: 'loading' }
const idle: ConnectionState = { status: 'idle' }

export function useAuthState(): State {
  const { auth } = useBasalt()
  const subscribe = useCallback((callback: () => void) => auth.onAuthStateChange(callback), [auth])
  return useSyncExternalStore(
    subscribe,
    () => auth.state,
    () => loading,
  )
}

export function useUser(): User | null | undefined {
  const state = useAuthState()
  if (state.status === 'loading') return undefined
  return state.status === 'signedIn' ? state.user : null
}

export function useConnection(): ConnectionState {
  const { realtime } = useBasalt()
  const subscribe = useCallback((callback: () => void) => realtime.subscribe(callback), [realtime])
  return useSyncExternalStore(
    subscribe,
    () => realtime.state,
    () => idle,
  )
}
