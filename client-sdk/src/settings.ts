import type { AuthSettings } from './administration/auth-settings.ts'

/** Browsers' origins, rate limits, and how far the change log reaches back. */
export interface ProjectSettings {
  readonly cors?: { readonly origins?: readonly string[] }
  readonly limits?: { readonly requestsPerSecond?: number; readonly requestsPerSecondByAddress?: number }
  readonly changes?: { readonly retentionDays?: number; readonly retentionMegabytes?: number }
}

/**
 * What `settings.ts` of a project's folder says. Groups that it doesn't name stay as they are; null takes one away.
 * Secrets are no part of it: they are set at the server and never come back.
 */
export interface Settings {
  readonly auth?: { readonly [Name in keyof AuthSettings]?: AuthSettings[Name] | null }
  readonly project?: ProjectSettings
}
