import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { Channel, ChannelState, Member } from '../client.ts'
import { canonicalJson } from '../realtime/same-json.ts'
import type { ChannelOptions, ChannelView } from './hooks.ts'
import { useBasalt } from './provider.ts'

type Events = Record<string, unknown>
type AnyChannel = Channel<unknown, Events>

const left: ChannelState = { status: 'left' }
const nobody: readonly Member[] = []

export function useChannel(
  name: string | null,
  { presence = null, on = {} }: ChannelOptions<unknown, Events> = {},
): ChannelView<unknown, Events> {
  const client = useBasalt()
  const channel = useMemo(() => (name === null ? null : client.channel(name)), [client, name])
  usePresenceOf(channel, presence)
  useHandlers(channel, on)
  useMembership(channel)
  const { state, members } = useChannelState(channel)
  return useMemo(
    () => ({
      status: state.status,
      error: state.status === 'failed' ? state.error : undefined,
      members,
      broadcast: (event, payload) => channel?.broadcast(event, payload) ?? false,
    }),
    [channel, state, members],
  )
}

export function usePresence(name: string | null, presence: unknown = null): ChannelView<unknown, Events> {
  return useChannel(name, { presence })
}

function useMembership(channel: AnyChannel | null): void {
  useEffect(() => {
    // What fails stands in the channel's state.
    channel?.join().catch(() => undefined)
    return () => channel?.leave()
  }, [channel])
}

/** Before the membership, so that joining shows it. */
function usePresenceOf(channel: AnyChannel | null, presence: unknown): void {
  const key = canonicalJson(presence)
  useEffect(
    () => channel?.presence.update(presence),
    // The key stands for what it is the text of.
    [channel, key],
  )
}

/** The newest functions are called, and listening begins anew only when there are others by name. */
function useHandlers(
  channel: AnyChannel | null,
  on: NonNullable<ChannelOptions<unknown, Events>['on']>,
): void {
  const newest = useRef(on)
  useEffect(() => {
    newest.current = on
  })
  const names = Object.keys(on).sort().join('\n')
  useEffect(() => {
    const events = names === '' ? [] : names.split('\n')
    const stops = events.map((event) =>
      channel?.on(event, (payload, sender) => newest.current[event]?.(payload, sender)),
    )
    return () => stops.forEach((stop) => stop?.())
  }, [channel, names])
}

function useChannelState(channel: AnyChannel | null) {
  const subscribe = useCallback(
    (callback: () => void) => {
      const stops = [channel?.subscribe(callback), channel?.presence.subscribe(callback)]
      return () => stops.forEach((stop) => stop?.())
    },
    [channel],
  )
  const state = useSyncExternalStore(
    subscribe,
    () => channel?.state ?? left,
    () => left,
  )
  const members = useSyncExternalStore(
    subscribe,
    () => channel?.presence.members ?? nobody,
    () => nobody,
  )
  return { state, members }
}
