import { activateButton, activeOf } from '../activate-version.ts'
import { bytes, count, percent } from '../amounts.ts'
import { badge, type Child, element, empty, link, time } from '../elements.ts'
import { type Deployment, labelOf, readDeployments, readFunctions } from '../function-api.ts'
import { functionTabs } from '../function-tabs.ts'
import { lookOnly, type Place } from '../project-frame.ts'
import { table } from '../table.ts'
import { namesOfActors } from '../who-did-it.ts'

/** The versions that are kept, which of them runs, and the way back. */
export async function deploymentsPage(place: Place): Promise<Node[]> {
  const path = `${place.console}/functions/deployments`
  const [deployments, { deploymentId }, nameOf] = await Promise.all([
    readDeployments(place),
    readFunctions(place),
    namesOfActors(place),
  ])
  const active = activeOf(deployments, deploymentId)
  const columns = [
    { label: 'Version', cell: (one: Deployment) => link(`${path}/${one.id}`, labelOf(one)) },
    { label: 'Calls', cell: ({ share }: Deployment) => traffic(share) },
    { label: 'Deployed', cell: ({ createdAt }: Deployment) => time(createdAt) },
    { label: 'By', cell: ({ createdBy }: Deployment) => nameOf(createdBy) },
    { label: 'Functions', cell: ({ functions }: Deployment) => count(functions.length) },
    { label: 'Size', cell: ({ sizeBytes }: Deployment) => bytes(sizeBytes) },
  ]
  const activate = {
    label: '',
    cell: (one: Deployment): Child => (one.share === 1 ? '' : activateButton(place, one, active)),
  }
  const mayChange = place.may('developer')
  return [
    element('h1', {}, 'Functions'),
    functionTabs(place, 'Versions'),
    ...lookOnly(place),
    ...(mayChange
      ? [element('div', { className: 'actions' }, link(`${path}/new`, 'New version', 'button first'))]
      : []),
    ...(deployments.length > 0
      ? [
          table('Versions', mayChange ? [...columns, activate] : columns, deployments),
          element('p', { className: 'hint' }, 'The last 20 are kept. A version never changes.'),
        ]
      : [
          empty('No version yet. Run “npx basalt deploy” in the folder of your functions, or make one here.'),
        ]),
  ]
}

export function traffic(share: number): HTMLElement {
  return share === 0 ? badge('none') : badge(share === 1 ? 'all' : percent(share), 'good')
}
