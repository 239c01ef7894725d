import type { Documents } from '../documents/documents.ts'
import type { Services } from '../platform/services.ts'
import type { Project } from '../projects/project.ts'
import type { Projects } from '../projects/projects.ts'
import { type Channels, createChannels } from './channels/channels.ts'
import { type ProjectHub, startProjectHub } from './live/project-hub.ts'
import { planView } from './live/view-plan.ts'
import { OpenSockets } from './open-sockets.ts'
import { createStandings, type Standings } from './standings.ts'

/** What every behaviour of this feature works with. */
export interface Realtime {
  readonly services: Services
  readonly projects: Projects
  readonly documents: Documents
  readonly channels: Channels
  readonly standings: Standings
  /** Those that are open on this node. */
  readonly sockets: OpenSockets
  /** Follows the project's changes from the first call on, for as long as somebody follows something. */
  hubOf(project: Project): Promise<ProjectHub>
  close(): Promise<void>
}

interface RunningHub {
  hub: Promise<ProjectHub>
  usedAt: number
}

// Rights that change are felt on open sockets within a second.
const watchEveryMs = 300
// The clock, and what no change log tells of.
const pollEveryMs = 5_000
const idleForMs = 10_000
const closeWithinMs = 1_000

export function createRealtime(services: Services, projects: Projects, documents: Documents): Realtime {
  const { log, bus } = services
  const hubs = new Map<string, RunningHub>()
  const sockets = new OpenSockets()
  const interest = shareInterest(services, hubs)
  const channels = createChannels(services, documents)
  const standings = createStandings(services, projects)
  let isClosed = false
  let polledAt = Date.now()

  documents.onCommit(({ id }) => {
    poke(id)
    if (interest.isElsewhere(id)) bus.publish(changesTopic, id)
  })
  bus.subscribe(changesTopic, poke)

  function poke(projectId: string): void {
    void hubs.get(projectId)?.hub.then((hub) => hub.poke())
  }

  const watching = watch()

  async function watch(): Promise<void> {
    while (!isClosed) {
      await lookAround(Date.now()).catch((error: unknown) => {
        log.error({ err: error }, 'could not look after the open sockets')
      })
      await new Promise((resolve) => setTimeout(resolve, watchEveryMs).unref())
    }
  }

  /** Nothing here grows with what is open: only what changes is asked about, once for all whom it concerns. */
  async function lookAround(now: number): Promise<void> {
    for (const socket of sockets) if (socket.dueAt <= now) socket.keepAlive(now)
    await standings.look(now)
    await followRules()
    await channels.watch.look(now)
    if (now - polledAt < pollEveryMs) return
    polledAt = now
    await lookAtHubs(now)
  }

  async function followRules(): Promise<void> {
    for (const { hub } of hubs.values()) {
      const running = await hub.catch(() => undefined)
      // Where the rules can't be read, the next turn tries again.
      await running?.followRules().catch(() => undefined)
    }
  }

  async function lookAtHubs(now: number): Promise<void> {
    for (const [projectId, running] of hubs) {
      const hub = await running.hub.catch(() => undefined)
      if (hub === undefined) continue
      if (hub.isIdle && now - running.usedAt > idleForMs) {
        hubs.delete(projectId)
        hub.close()
      } else {
        askAgain(hub)
      }
    }
    interest.tell()
  }

  function askAgain(hub: ProjectHub): void {
    const time = new Date().toISOString()
    for (const view of hub.views()) {
      const { isPolled, caller, collection, input } = view.plan
      if (!isPolled) continue
      const now = { ...caller, request: { ...caller.request, time } }
      view.replan(planView(documents, now, collection, input))
    }
  }

  return {
    services,
    projects,
    documents,
    channels,
    standings,
    sockets,
    hubOf(project) {
      let running = hubs.get(project.id)
      if (running === undefined) {
        running = { hub: startProjectHub(services, documents, project), usedAt: Date.now() }
        hubs.set(project.id, running)
        running.hub.then(
          () => interest.tell(),
          () => hubs.delete(project.id),
        )
      }
      running.usedAt = Date.now()
      return running.hub
    },
    async close() {
      isClosed = true
      for (const socket of sockets) socket.goAway()
      const late = setTimeout(() => [...sockets].forEach((socket) => socket.terminate()), closeWithinMs)
      while (sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 20))
      clearTimeout(late)
      for (const { hub } of hubs.values()) (await hub.catch(() => undefined))?.close()
      await watching
      await channels.close()
    },
  }
}

const changesTopic = 'changes'
const interestTopic = 'changes-wanted'
// Told again every few seconds for as long as it holds.
const interestForMs = 3 * pollEveryMs

/** Which projects are followed on other nodes: only of these a commit is worth a notification. */
function shareInterest(
  { bus }: Services,
  hubs: ReadonlyMap<string, unknown>,
): { isElsewhere(projectId: string): boolean; tell(): void } {
  const elsewhere = new Map<string, number>()
  // A node hears what it tells itself at once, and what others tell later.
  let isTelling = false
  bus.subscribe(interestTopic, (projectId) => {
    if (!isTelling) elsewhere.set(projectId, Date.now() + interestForMs)
  })
  return {
    isElsewhere(projectId) {
      const until = elsewhere.get(projectId)
      if (until === undefined) return false
      if (Date.now() < until) return true
      elsewhere.delete(projectId)
      return false
    },
    tell() {
      isTelling = true
      for (const projectId of hubs.keys()) bus.publish(interestTopic, projectId)
      isTelling = false
    },
  }
}
