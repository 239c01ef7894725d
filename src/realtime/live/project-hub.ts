import type { Documents } from '../../documents/documents.ts'
import type { Services } from '../../platform/services.ts'
import { type Project, projectSchema } from '../../projects/project.ts'
import { type ChangeTail, startChangeTail } from './change-tail.ts'
import { InterestIndex } from './interest-index.ts'
import type { LoggedChange } from './logged-change.ts'
import { View } from './view.ts'
import type { ViewPlan } from './view-plan.ts'

/** The lists of one project that somebody on this node follows. */
export interface ProjectHub {
  readonly project: Project
  /** The view of a plan, shared with all whose plan comes to the same. */
  viewOf(plan: ViewPlan): View
  views(): IterableIterator<View>
  /** There may be new changes. */
  poke(): void
  /** Whether nobody follows anything. */
  readonly isIdle: boolean
  close(): void
}

export async function startProjectHub(
  services: Services,
  documents: Documents,
  project: Project,
): Promise<ProjectHub> {
  const views = new Map<string, View>()
  const index = new InterestIndex<View>()
  const tail: ChangeTail = await startChangeTail(services, projectSchema(project), { changed, lost })

  function changed(changes: readonly LoggedChange[]): void {
    const heard = new Set<View>()
    for (const change of changes) {
      for (const view of index.find(change)) {
        view.hear(change)
        heard.add(view)
      }
    }
    for (const view of heard) view.settle()
  }

  function lost(): void {
    for (const view of views.values()) view.lose()
  }

  function addView(plan: ViewPlan): View {
    const interests = [plan.own, ...plan.others]
    const view: View = new View(documents, tail, plan, () => {
      if (views.get(plan.fingerprint) !== view) return
      views.delete(plan.fingerprint)
      for (const { collection, term } of interests) index.remove(collection, term, view)
    })
    views.set(plan.fingerprint, view)
    for (const { collection, term } of interests) index.add(collection, term, view)
    return view
  }

  return {
    project,
    viewOf: (plan) => views.get(plan.fingerprint) ?? addView(plan),
    views: () => views.values(),
    poke: () => tail.poke(),
    get isIdle() {
      return views.size === 0
    },
    close: () => tail.close(),
  }
}
