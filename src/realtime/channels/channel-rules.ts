import { askPredicate } from '../../documents/ask-rule.ts'
import { type Caller, ruleVariables } from '../../documents/caller.ts'
import type { Documents } from '../../documents/documents.ts'
import { declarationBroken, forbidden } from '../../platform/errors.ts'
import { LookupCache } from '../../platform/lookup-cache.ts'
import type { Services } from '../../platform/services.ts'
import { isJudgedByRules } from '../../projects/actor.ts'
import { bindVariables } from '../../query/bind-variables.ts'
import { compilePredicate, type Predicate } from '../../query/compile-predicate.ts'
import type { Expression } from '../../query/expression.ts'
import type { JsonObject } from '../../query/json.ts'
import { parseRule } from '../../query/parse-rule.ts'
import { type Dependency, splitCondition } from '../../query/split-condition.ts'
import { usesTime } from '../../query/walk-expression.ts'
import { bySpecificity, matchesPattern } from './channel-name.ts'

const channelActions = ['join', 'broadcast', 'presence'] as const

/** What a channel's rules decide about: hearing what is said there, saying something, and being seen there. */
type ChannelAction = (typeof channelActions)[number]

export type ChannelRuleSources = Partial<Record<ChannelAction, string>>

/** The rules of all channels whose names match a pattern, compiled. */
export interface ChannelRules {
  readonly pattern: readonly string[]
  readonly expressions: ReadonlyMap<ChannelAction, Expression>
  readonly predicates: ReadonlyMap<ChannelAction, Predicate>
  /** What is stored does not compile (any more): the channels are closed to all whom rules judge. */
  readonly isBroken: boolean
}

/** Throws 400 with the place of the first fault. */
export function compileChannelRules(pattern: readonly string[], sources: ChannelRuleSources): ChannelRules {
  const expressions = new Map<ChannelAction, Expression>()
  for (const action of channelActions) {
    const source = sources[action]
    if (source === undefined) continue
    const about = action === 'broadcast' ? (['channel', 'message'] as const) : (['channel'] as const)
    const options = { path: `rules.${action}`, variables: ['auth', 'request', ...about] as const }
    expressions.set(action, parseRule(source, options))
  }
  const predicates = [...expressions].map(([action, rule]) => [action, compilePredicate(rule)] as const)
  return { pattern, expressions, predicates: new Map(predicates), isBroken: false }
}

/** The channel rules of projects, as every node knows them. */
export interface ChannelRulesStore {
  /** Throws 403 unless the rules of the channel let the caller do this. Keys and operators were judged by scope and role. */
  require(
    caller: Caller,
    channel: readonly string[],
    action: ChannelAction,
    message?: JsonObject,
  ): Promise<void>
  /** What a decision to let somebody join depends on beside who it is: a change of any of it asks for a new one. */
  grounds(caller: Caller, channel: readonly string[]): Promise<JoinGrounds>
  /** Another object after each change of the project's rules. */
  stamp(projectId: string): Promise<object>
  /** After COMMIT. */
  changed(projectId: string): void
}

export interface JoinGrounds {
  /** The stamp of the rules. */
  readonly rules: object
  readonly dependencies: readonly Dependency[]
  /** Whether the rule looks at the clock. */
  readonly isTimed: boolean
}

interface Loaded {
  projectId: string
  rules: readonly ChannelRules[]
  /** The same object for as long as nothing was changed. */
  stamp: object
}

const topic = 'channel-rules'

export function createChannelRulesStore(services: Services, documents: Documents): ChannelRulesStore {
  const { control, bus, log } = services
  const stamps = new Map<string, { text: string; stamp: object }>()
  const cache = new LookupCache<Loaded>({ maxEntries: 5_000, read })
  bus.subscribe(topic, (projectId) => cache.forget((loaded) => loaded.projectId === projectId))
  bus.onReset(() => cache.clear())

  async function read(projectId: string): Promise<Loaded> {
    const rows = await control.channelRule.findMany({ where: { projectId }, orderBy: { pattern: 'asc' } })
    const rules = rows.map(({ pattern, rules: sources }) => compileStored(projectId, pattern, sources))
    const text = JSON.stringify(rows)
    const known = stamps.get(projectId)
    const stamp = known?.text === text ? known.stamp : {}
    stamps.set(projectId, { text, stamp })
    return { projectId, rules: rules.sort((a, b) => bySpecificity(a.pattern, b.pattern)), stamp }
  }

  /** Rules that do not compile must not take the others with them, nor leave their channels to a wider pattern. */
  function compileStored(projectId: string, pattern: string, sources: unknown): ChannelRules {
    const segments = pattern.split(':')
    try {
      return compileChannelRules(segments, sources as ChannelRuleSources)
    } catch (error) {
      log.error({ err: error, projectId, pattern }, 'channels are closed: their rules are broken')
      return { pattern: segments, expressions: new Map(), predicates: new Map(), isBroken: true }
    }
  }

  async function load(projectId: string): Promise<Loaded> {
    const loaded = (await cache.get(projectId)) ?? (await cache.load(projectId))
    if (loaded === null) throw new Error('the rules of a project are always there')
    return loaded
  }

  return {
    async require(caller, channel, action, message) {
      if (!isJudgedByRules(caller.actor)) return
      const { rules } = await load(caller.project.id)
      const found = rules.find(({ pattern }) => matchesPattern(pattern, channel))
      if (found?.isBroken === true) {
        throw declarationBroken(`The rule of the channels ${found.pattern.join(':')}`)
      }
      const predicate = found?.predicates.get(action)
      const about = describe(channel)
      const scope = { ...ruleVariables(caller), channel: about, message: message ?? null }
      const isAllowed =
        predicate !== undefined &&
        (await askPredicate(documents, documents.services.db, caller.project, predicate, scope))
      if (!isAllowed) throw forbidden(`The rules of ${about.name} do not let you ${verbs[action]}.`)
    },
    async grounds(caller, channel) {
      const { rules, stamp } = await load(caller.project.id)
      const found = rules.find(({ pattern }) => matchesPattern(pattern, channel))?.expressions.get('join')
      if (found === undefined || !isJudgedByRules(caller.actor)) {
        return { rules: stamp, dependencies: [], isTimed: false }
      }
      const known = { ...ruleVariables(caller), channel: describe(channel) }
      const { dependencies } = splitCondition(bindVariables(found, known))
      return { rules: stamp, dependencies, isTimed: usesTime(found) }
    },
    stamp: async (projectId) => (await load(projectId)).stamp,
    changed: (projectId) => bus.publish(topic, projectId),
  }
}

function describe(segments: readonly string[]): { name: string; segments: readonly string[] } {
  return { name: segments.join(':'), segments }
}

const verbs: Record<ChannelAction, string> = {
  join: 'join it',
  broadcast: 'say anything there',
  presence: 'be seen there',
}
