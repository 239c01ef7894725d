import { actionButton } from './action-button.ts'
import { percent } from './amounts.ts'
import { api } from './api.ts'
import { ask } from './ask.ts'
import { type Deployment, labelOf } from './function-api.ts'
import { notice } from './notices.ts'
import type { Place } from './project-frame.ts'
import { showAgain } from './show-page.ts'

/** Gives a version a share of the calls: 1 switches over, 0 takes it out again. */
export async function giveShare(place: Place, { id }: Deployment, share: number): Promise<void> {
  await api('POST', `${place.api}/functions/deployments/${encodeURIComponent(id)}/activate`, { share })
}

/** The version that takes the calls, or most of them while another is tried. */
export function activeOf(
  deployments: readonly Deployment[],
  activeId: string | null,
): Deployment | undefined {
  return deployments.find(({ id }) => id === activeId)
}

/** Switches all calls over, forwards or back, after a question that tells what goes. */
export function activateButton(
  place: Place,
  version: Deployment,
  active: Deployment | undefined,
): HTMLButtonElement {
  const isBack = active !== undefined && version.createdAt < active.createdAt
  const word = isBack ? 'Roll back' : 'Activate'
  return actionButton(word, async () => {
    const text = `All calls go to it at once, on every node; those under way finish where they began. ${differences(version, active)}`
    const question = isBack ? `Roll back to “${labelOf(version)}”?` : `Activate “${labelOf(version)}”?`
    if (!(await ask(question, text, word))) return
    await giveShare(place, version, 1)
    showAgain(notice(`“${labelOf(version)}” takes all calls now.`))
  })
}

function differences(version: Deployment, active: Deployment | undefined): string {
  const has = ({ functions }: Deployment, name: string): boolean => functions.some((one) => one.name === name)
  const names = ({ functions }: Deployment): string[] => functions.map(({ name }) => name)
  const gone = active === undefined ? [] : names(active).filter((name) => !has(version, name))
  const come = names(version).filter((name) => active === undefined || !has(active, name))
  return [
    ...(come.length > 0 ? [`Functions that come: ${come.join(', ')}.`] : []),
    ...(gone.length > 0 ? [`Functions that go: ${gone.join(', ')}.`] : []),
  ].join(' ')
}

export function shareText(share: number): string {
  return share === 1 ? 'all calls' : `${percent(share)} of the calls`
}
