import { BasaltProvider, useBasalt } from './provider.ts'
import { useChannel, usePresence } from './use-channel.ts'
import { useAuthState, useConnection, useUser } from './use-client-state.ts'
import { useDocument, useQuery } from './use-live.ts'

export const untypedHooks = {
  BasaltProvider,
  useAuthState,
  useBasalt,
  useChannel,
  useConnection,
  useDocument,
  usePresence,
  useQuery,
  useUser,
}
