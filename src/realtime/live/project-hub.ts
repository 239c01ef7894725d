import type { Documents } from '../../documents/documents.ts'
import type { Collection } from '../../documents/collections/collection.ts'
import type { Services } from '../../platform/services.ts'
import { type Project, projectSchema } from '../../projects/project.ts'
import { inTurns } from '../in-turns.ts'
import { type ChangeTail, startChangeTail } from './change-tail.ts'
import { InterestIndex } from './interest-index.ts'
import type { LoggedChange } from './logged-change.ts'
import { relevantTo } from './relevance.ts'
import { View } from './view.ts'
import type { Interest, ViewPlan } from './view-plan.ts'

/** The lists of one project that somebody on this node follows. */
export interface ProjectHub {
  readonly project: Project
  /** The view of a plan, shared with all whose plan comes to the same. */
  viewOf(plan: ViewPlan): View
  views(): IterableIterator<View>
  /** Whoever follows a collection that was declared anew looks which view is the right one. One look serves all. */
  followRules(): Promise<void>
  /** Calls with each change that one of the interests covers, until the returned function is called. */
  watch(interests: readonly Interest[], heard: () => void): () => void
  /** There may be new changes. */
  poke(): void
  /** Whether nobody follows anything. */
  readonly isIdle: boolean
  close(): void
}

/** Hears the changes that may concern it, and is told when a batch of them is over. */
interface Listener {
  hear(change: LoggedChange): void
  settle(): void
}

export async function startProjectHub(
  services: Services,
  documents: Documents,
  project: Project,
): Promise<ProjectHub> {
  const views = new Map<string, View>()
  const index = new InterestIndex<Listener>()
  let watchers = 0
  /** The collections that all views were compared with, but for those in doubt. */
  let seen: ReadonlyMap<string, Collection> | undefined
  /** Views whose followers have come with different declarations of a collection. */
  let doubtful = new Set<View>()
  const tail: ChangeTail = await startChangeTail(services, projectSchema(project), { changed, lost })

  function changed(changes: readonly LoggedChange[]): void {
    const heard = new Set<Listener>()
    for (const change of changes) {
      for (const listener of index.find(change)) {
        listener.hear(change)
        heard.add(listener)
      }
    }
    for (const listener of heard) listener.settle()
  }

  function lost(): void {
    for (const view of views.values()) view.lose()
  }

  function viewOf(plan: ViewPlan): View {
    const view = views.get(plan.fingerprint) ?? addView(plan)
    const { collection } = plan
    if (view.plan.collection !== collection || seen?.get(collection.name) !== collection) doubtful.add(view)
    return view
  }

  async function followRules(): Promise<void> {
    const collections = await documents.catalog.all(project)
    if (collections === seen && doubtful.size === 0) return
    const isOutdated = ({ plan }: View): boolean => collections.get(plan.collection.name) !== plan.collection
    const doubts = doubtful
    doubtful = new Set()
    seen = collections
    for (const view of [...views.values()].filter((each) => doubts.has(each) || isOutdated(each))) {
      await inTurns(view.everybody(), (subscriber) => subscriber.reconsider())
      // Who could not be asked is asked at the next turn.
      if (views.get(view.plan.fingerprint) === view && isOutdated(view)) doubtful.add(view)
    }
  }

  function addView(plan: ViewPlan): View {
    const view: View = new View(documents, tail, plan, () => {
      if (views.get(plan.fingerprint) !== view) return
      views.delete(plan.fingerprint)
      forget()
    })
    views.set(plan.fingerprint, view)
    const forget = listen([plan.own, ...plan.others], view)
    return view
  }

  function listen(interests: readonly Interest[], listener: Listener): () => void {
    for (const { collection, term } of interests) index.add(collection, term, listener)
    return () => {
      for (const { collection, term } of interests) index.remove(collection, term, listener)
    }
  }

  return {
    project,
    viewOf,
    followRules,
    views: () => views.values(),
    watch(interests, heard) {
      let isHit = false
      const forget = listen(interests, {
        hear(change) {
          isHit ||= interests.some((interest) => relevantTo(interest, change) !== undefined)
        },
        settle() {
          if (isHit) heard()
          isHit = false
        },
      })
      watchers++
      return () => {
        watchers--
        forget()
      }
    },
    poke: () => tail.poke(),
    get isIdle() {
      return views.size === 0 && watchers === 0
    },
    close: () => tail.close(),
  }
}
