'use client' // For bundlers that part an app between server and browser: hooks belong to the browser.

import type { Schema, UntypedProfile, UntypedSchema } from '../client.ts'
import type { Hooks } from './hooks.ts'
import { untypedHooks } from './untyped-hooks.ts'

export type { ChannelOptions, ChannelView, DocumentView, Hooks, QueryView } from './hooks.ts'

/**
 * The hooks with the types of a schema, which are known without code generation, and to this result alone: one
 * program may speak to two projects. The functions are the same for all.
 *
 * @example
 * export const { BasaltProvider, useQuery, useUser } = createHooks<typeof schema>()
 */
export function createHooks<S extends Schema = UntypedSchema, Profile = UntypedProfile>(): Hooks<S, Profile> {
  return untypedHooks as unknown as Hooks<S, Profile>
}

/** Without a schema: every collection and field is allowed, and values are `unknown`. */
export const {
  BasaltProvider,
  useAuthState,
  useBasalt,
  useChannel,
  useConnection,
  useDocument,
  usePresence,
  useQuery,
  useUser,
} = createHooks()
