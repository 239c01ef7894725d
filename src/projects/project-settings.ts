import type { Static } from 'typebox'
import Type from 'typebox'
import { Value } from 'typebox/value'
import type { Config } from '../config.ts'
import { invalidRequest, type Issue } from '../platform/errors.ts'
import type { ProjectSettings } from './project.ts'

const origin = Type.String({
  maxLength: 255,
  pattern: '^(\\*|[a-z][a-z0-9+.-]*://[A-Za-z0-9.:_\\[\\]-]+)$',
  description: 'An exact origin such as https://app.example.com, or * for all.',
})

/** The whole, as answers show it. */
export const settingsSchema = Type.Object({
  cors: Type.Object({ origins: Type.Array(Type.String()) }),
  limits: Type.Object({ requestsPerSecond: Type.Integer(), requestsPerSecondByAddress: Type.Integer() }),
  changes: Type.Object({ retentionDays: Type.Integer(), retentionMegabytes: Type.Integer() }),
})

const optionalObject = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Optional(Type.Object(properties, { additionalProperties: false }))

/** What a PATCH may say, and what is stored: the deviations from the defaults. */
export const settingsPatchSchema = Type.Object(
  {
    cors: optionalObject({ origins: Type.Optional(Type.Array(origin, { maxItems: 50 })) }),
    limits: optionalObject({
      requestsPerSecond: Type.Optional(Type.Integer({ minimum: 1 })),
      requestsPerSecondByAddress: Type.Optional(Type.Integer({ minimum: 1 })),
    }),
    changes: optionalObject({
      retentionDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
      retentionMegabytes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_048_576 })),
    }),
  },
  { additionalProperties: false },
)

export type SettingsPatch = Static<typeof settingsPatchSchema>

/** What the database holds, as far as this version understands it. */
export function storedSettings(stored: unknown): SettingsPatch {
  return Value.Check(settingsPatchSchema, stored) ? stored : {}
}

/** Later values win, group by group. */
export function mergeSettings(stored: SettingsPatch, patch: SettingsPatch): SettingsPatch {
  return {
    cors: { ...stored.cors, ...patch.cors },
    limits: { ...stored.limits, ...patch.limits },
    changes: { ...stored.changes, ...patch.changes },
  }
}

/** The whole settings: defaults where nothing is set, and never above what the server allows. */
export function completeSettings(stored: SettingsPatch, config: Config): ProjectSettings {
  const { requestsPerSecondByProject, requestsPerSecondByAddress } = config.limits
  return {
    cors: { origins: stored.cors?.origins ?? ['*'] },
    limits: {
      requestsPerSecond: Math.min(
        stored.limits?.requestsPerSecond ?? requestsPerSecondByProject,
        requestsPerSecondByProject,
      ),
      requestsPerSecondByAddress: Math.min(
        stored.limits?.requestsPerSecondByAddress ?? requestsPerSecondByAddress,
        requestsPerSecondByAddress,
      ),
    },
    changes: {
      retentionDays: stored.changes?.retentionDays ?? config.changeRetention.days,
      retentionMegabytes: stored.changes?.retentionMegabytes ?? 1024,
    },
  }
}

/** Throws `invalid_request` for limits above the server's own. */
export function checkSettings(patch: SettingsPatch, config: Config): void {
  const issues: Issue[] = []
  const check = (name: 'requestsPerSecond' | 'requestsPerSecondByAddress', max: number): void => {
    if ((patch.limits?.[name] ?? 0) <= max) return
    issues.push({ path: `settings.limits.${name}`, code: 'maximum', message: `must be <= ${max}` })
  }
  check('requestsPerSecond', config.limits.requestsPerSecondByProject)
  check('requestsPerSecondByAddress', config.limits.requestsPerSecondByAddress)
  if (issues.length > 0) throw invalidRequest(issues)
}
