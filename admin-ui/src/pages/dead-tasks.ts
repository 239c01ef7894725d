import type { TaskSummary } from '@basalt/client'
import { actionButton } from '../action-button.ts'
import { api } from '../api.ts'
import { ask } from '../ask.ts'
import { element, empty } from '../elements.ts'
import { notice } from '../notices.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'
import { showAgain } from '../show-page.ts'
import { pager } from '../table.ts'
import type { TaskPage } from '../task-api.ts'
import { retryTask, taskTable } from '../task-list.ts'
import { taskTabs } from '../task-tabs.ts'

/** Tasks that failed for good, why, and the way to begin them anew. */
export async function deadTasksPage(place: Place, { query }: At): Promise<Node[]> {
  const asked = new URLSearchParams(query)
  asked.set('state', 'dead')
  const { tasks, nextCursor } = await api<TaskPage>('GET', `${place.api}/tasks?${asked.toString()}`)
  const mayRetry = place.may('developer') && tasks.length > 1
  const lead =
    'They failed with their last attempt, or for good, and are kept for 30 days. Mend what was wrong, and retry them.'
  return [
    element('h1', {}, 'Tasks'),
    taskTabs(place, 'Dead'),
    ...lookOnly(place),
    ...(tasks.length > 0
      ? [element('p', { className: 'lead' }, lead), taskTable(place, tasks, 'dead')]
      : [empty('No task is dead. One that fails with its last attempt would stand here.')]),
    ...(mayRetry ? [element('div', { className: 'actions' }, retryAll(place, tasks))] : []),
    ...pager(`${place.console}/tasks/dead`, query, nextCursor),
  ]
}

function retryAll(place: Place, tasks: readonly TaskSummary[]): HTMLElement {
  const label = `Retry these ${tasks.length}`
  return actionButton(label, async () => {
    const text = 'Each begins anew, at once and with all its attempts.'
    if (!(await ask(`${label}?`, text, 'Retry'))) return
    // One after the other: the page is one of many, and the tasks of others go on.
    for (const { id } of tasks) await retryTask(place, id)
    showAgain(notice(`${tasks.length} tasks begin anew.`))
  })
}
