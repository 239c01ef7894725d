import { element } from '../elements.ts'
import { functionTabs } from '../function-tabs.ts'
import { logView } from '../log-view.ts'
import type { At, Place } from '../project-frame.ts'

/** What all functions of the project wrote. */
export async function functionLogsPage(place: Place, { query }: At): Promise<Node[]> {
  const { nodes } = await logView(place, undefined, query)
  return [element('h1', {}, 'Functions'), functionTabs(place, 'Logs'), ...nodes]
}
