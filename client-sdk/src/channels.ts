import type { Transport } from './transport.ts'

interface CallOptions {
  readonly signal?: AbortSignal
}

/** Who may do what in a channel, in CEL. What has no rule is refused to everyone but secret keys. */
export interface ChannelRules {
  readonly join?: string
  readonly broadcast?: string
  /** Showing oneself to the others. */
  readonly presence?: string
}

/** The rules of the channels whose names match a pattern: `room:*`. The most specific pattern counts. */
export interface ChannelDefinition {
  readonly rules: ChannelRules
}

export interface ChannelInfo extends ChannelDefinition {
  readonly pattern: string
  readonly createdAt: string
  readonly updatedAt: string
}

/** The rules of a project's channels. For secret keys. */
export interface ChannelsClient {
  list(options?: CallOptions): Promise<ChannelInfo[]>
  get(pattern: string, options?: CallOptions): Promise<ChannelInfo>
  /** Sets the rules of a pattern. Repeating it changes nothing. */
  put(pattern: string, definition: ChannelDefinition, options?: CallOptions): Promise<ChannelInfo>
  delete(pattern: string, options?: CallOptions): Promise<void>
}

export function createChannelsClient(transport: Transport): ChannelsClient {
  const pathOf = (pattern: string): string => `/channels/rules/${encodeURIComponent(pattern)}`
  return {
    list: async (options) => {
      const request = { method: 'GET', path: '/channels/rules', ...options } as const
      return (await transport.json<{ channelRules: ChannelInfo[] }>(request)).channelRules
    },
    get: (pattern, options) => transport.json({ method: 'GET', path: pathOf(pattern), ...options }),
    put: (pattern, body, options) =>
      transport.json({ method: 'PUT', path: pathOf(pattern), body, ...options }),
    delete: (pattern, options) => transport.empty({ method: 'DELETE', path: pathOf(pattern), ...options }),
  }
}

/** Sends to everybody in a channel without being in it. */
export function broadcast(
  transport: Transport,
  channel: string,
  message: { readonly event: string; readonly payload: unknown },
  options: CallOptions = {},
): Promise<void> {
  const path = `/channels/${encodeURIComponent(channel)}/broadcast`
  return transport.empty({ method: 'POST', path, body: message, ...options })
}
