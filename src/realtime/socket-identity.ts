import type { Caller } from '../documents/caller.ts'
import { unauthenticated } from '../platform/errors.ts'
import type { Actor, Scope } from '../projects/actor.ts'
import { admit, identifyActor } from '../projects/identify-actor.ts'
import type { Project } from '../projects/project.ts'
import type { Projects } from '../projects/projects.ts'

/** What came with the request that opened the socket. */
export interface Opening {
  project: Project
  /** The publishable or secret key; null if none was shown. */
  key: string | null
  /** An access token or operator's token; null if none was shown. */
  token: string | null
  ip: string
  requestId: string
}

/** Who a socket is, now. */
export class SocketIdentity {
  readonly #projects: Projects
  readonly #opening: Opening
  #token: string | null
  #actor: Actor | null

  /** @param actor whom the door has found; null if nobody has said anything yet */
  constructor(projects: Projects, opening: Opening, actor: Actor | null) {
    this.#projects = projects
    this.#opening = opening
    this.#token = opening.token
    this.#actor = actor
  }

  get isKnown(): boolean {
    return this.#actor !== null
  }

  /**
   * Takes another token, or with null what the socket was opened with. Says whether that makes a difference to rights.
   * Throws `unauthenticated`.
   */
  async authenticate(token: string | null): Promise<boolean> {
    const actor = await this.#identify(token)
    if (actor === null) throw unauthenticated('Say who you are.')
    this.#token = token
    return this.#become(actor)
  }

  /** Looks again, from memory. Says whether rights have changed; throws `unauthenticated` when there are none any more. */
  async refresh(): Promise<boolean> {
    if (this.#actor === null) return false
    const token = this.#token
    const actor = await this.#identify(token)
    // Unless another token came meanwhile.
    return token === this.#token && actor !== null && this.#become(actor)
  }

  /** Throws if nobody is known yet, or if this actor may not do that at all. */
  caller(scope: Scope): Caller {
    const { project, requestId, ip } = this.#opening
    if (this.#actor === null) throw unauthenticated('Say who you are first: send auth.')
    admit(this.#actor, { scope, clients: true })
    return { project, actor: this.#actor, requestId, request: { time: new Date().toISOString(), ip } }
  }

  /** Null if nothing was shown. Throws if what was shown does not hold (any more). */
  async #identify(token: string | null): Promise<Actor | null> {
    const project = await this.#projects.byRef(this.#opening.project.ref)
    if (project === null) throw unauthenticated('The project is gone.')
    const { key } = this.#opening
    const shown = token ?? this.#opening.token
    const keyActor = key === null ? null : await identifyActor(this.#projects, key, project)
    return shown === null ? keyActor : identifyActor(this.#projects, shown, project)
  }

  #become(actor: Actor): boolean {
    const isOther = actor !== this.#actor && rightsOf(actor) !== rightsOf(this.#actor)
    if (isOther) this.#actor = actor
    return isOther
  }
}

/** What tells actors apart as far as rights and rules are concerned. Rows that were read again make new objects. */
function rightsOf(actor: Actor | null): string {
  return JSON.stringify(actor, (key, value: unknown) => (key === 'provenAt' ? undefined : value))
}
