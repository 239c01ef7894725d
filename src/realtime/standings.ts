import { usersTopic } from '../auth/sessions/session-cache.ts'
import { type ApiError, unauthenticated } from '../platform/errors.ts'
import { toApiError } from '../platform/problems.ts'
import type { Services } from '../platform/services.ts'
import type { Actor } from '../projects/actor.ts'
import { keysTopic, operatorsTopic } from '../projects/credentials.ts'
import { endOfCredential, identifyActor } from '../projects/identify-actor.ts'
import type { Project } from '../projects/project.ts'
import { type Projects, projectsTopic } from '../projects/projects.ts'
import { inTurns } from './in-turns.ts'

/** What a socket shows of itself. */
export interface Shown {
  readonly project: Project
  /** The publishable or secret key that it was opened with; null without one. */
  readonly key: string | null
  /** An access token or operator's token, or a key shown by message; null if the key is all. */
  readonly token: string | null
}

/** Who shows credentials, and hears what becomes of them. */
export interface Holder {
  /** Whoever it is may do other things now. */
  rightsChanged(): Promise<void>
  /** The credentials do not hold any more (401), or nobody can tell at the moment. */
  refuse(reason: ApiError): void
}

/** Who stands behind credentials, now: the same for all sockets that show the same. */
export interface Standing {
  readonly actor: Actor
}

/**
 * The credentials that open sockets have shown. They are looked at again when a message of the bus names them, when they
 * end by themselves, and every few seconds in any case: sockets that nothing happens to cost nothing.
 */
export interface Standings {
  /** Throws `unauthenticated` if what is shown does not hold (any more); null if nothing was shown. */
  identify(shown: Shown): Promise<Actor | null>
  /** @param actor whom `identify` or the door has just found */
  enter(shown: Shown, actor: Actor, holder: Holder): Standing
  leave(standing: Standing, holder: Holder): void
  /** Looks at those that there is a reason to look at. Called some times a second. */
  look(now: number): Promise<void>
}

interface Kept extends Standing {
  readonly id: string
  readonly shown: Shown
  readonly holders: Set<Holder>
  actor: Actor
  /** When it is looked at in any case, in milliseconds since 1970. */
  dueAt: number
}

// The net under lost messages, and it keeps what is cached of them fresh. Not all in the same moment.
const lookEveryMs = 4_000
const lookJitterMs = 1_000

export function createStandings({ bus, log }: Services, projects: Projects): Standings {
  const standings = new Map<string, Kept>()
  /** Refs and ids that messages have named since the last look. */
  let named = new Set<string>()
  let isAnybodyNamed = false
  for (const topic of [projectsTopic, keysTopic, operatorsTopic, usersTopic]) {
    bus.subscribe(topic, (name) => named.add(name))
  }
  bus.onReset(() => (isAnybodyNamed = true))

  async function identify({ project: { ref }, key, token }: Shown): Promise<Actor | null> {
    const project = await projects.byRef(ref)
    if (project === null) throw unauthenticated('The project is gone.')
    const keyActor = key === null ? null : await identifyActor(projects, key, project)
    return token === null ? keyActor : identifyActor(projects, token, project)
  }

  async function look(standing: Kept): Promise<void> {
    // Before asking: what is named meanwhile is asked again.
    standing.dueAt = Math.min(
      Date.now() + lookEveryMs + Math.random() * lookJitterMs,
      endOfShown(projects, standing.shown),
    )
    try {
      const actor = await identify(standing.shown)
      if (actor !== null) await change(standing, actor)
    } catch (error) {
      const reason = toApiError(error)
      // Whoever shows the same later is asked anew.
      if (reason.status === 401) forget(standing)
      else standing.dueAt = 0
      for (const holder of standing.holders) holder.refuse(reason)
    }
  }

  async function change(standing: Kept, actor: Actor): Promise<void> {
    if (actor === standing.actor) return
    const isOther = !haveSameRights(actor, standing.actor)
    standing.actor = actor
    if (!isOther) return
    await inTurns([...standing.holders], (holder) => holder.rightsChanged())
  }

  function forget(standing: Kept): void {
    if (standings.get(standing.id) === standing) standings.delete(standing.id)
  }

  return {
    identify,
    enter(shown, actor, holder) {
      const id = JSON.stringify([shown.project.ref, shown.key, shown.token])
      let standing = standings.get(id)
      if (standing === undefined) {
        // What happened while it was identified is found by the next look.
        standing = { id, shown, holders: new Set(), actor, dueAt: 0 }
        standings.set(id, standing)
      } else if (actor !== standing.actor) {
        // One of both is older, and the next look tells which.
        standing.dueAt = 0
        change(standing, actor).catch((error: unknown) =>
          log.error({ err: error }, 'could not follow rights'),
        )
      }
      standing.holders.add(holder)
      return standing
    },
    leave(standing, holder) {
      const kept = standing as Kept
      kept.holders.delete(holder)
      if (kept.holders.size === 0) forget(kept)
    },
    async look(now) {
      const names = named
      const isEverybody = isAnybodyNamed
      named = new Set()
      isAnybodyNamed = false
      const due: Kept[] = []
      for (const standing of standings.values()) {
        if (isEverybody || standing.dueAt <= now || isNamed(standing, names)) due.push(standing)
      }
      await inTurns(due, look)
    },
  }
}

function isNamed({ shown, actor }: Kept, names: ReadonlySet<string>): boolean {
  if (names.size === 0) return false
  return names.has(shown.project.ref) || names.has(shown.project.id) || names.has(idOf(actor))
}

function idOf(actor: Actor): string {
  if (actor.kind === 'user') return actor.uid
  return actor.kind === 'operator' ? actor.operatorId : ''
}

function endOfShown(projects: Projects, { key, token }: Shown): number {
  const ends = [key, token].flatMap((text) => (text === null ? [] : endOfCredential(projects, text)))
  return Math.min(...ends)
}

/** As far as rights and rules are concerned. Rows that were read again make new objects. */
export function haveSameRights(a: Actor, b: Actor): boolean {
  return a === b || rightsOf(a) === rightsOf(b)
}

function rightsOf(actor: Actor): string {
  return JSON.stringify(actor, (key, value: unknown) => (key === 'provenAt' ? undefined : value))
}
