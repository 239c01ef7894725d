import { actionButton } from '../action-button.ts'
import { activateButton, activeOf, giveShare, shareText } from '../activate-version.ts'
import { bytes, percent } from '../amounts.ts'
import { Refused } from '../api.ts'
import { element, empty, facts, link, time } from '../elements.ts'
import { numberField } from '../fields.ts'
import { form } from '../form.ts'
import { type Deployment, labelOf, readDeployments, readFunctions } from '../function-api.ts'
import { notice } from '../notices.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'
import { showAgain } from '../show-page.ts'
import { table } from '../table.ts'
import { isOwnFile, readSources, type SourceFile, type Sources } from '../upload-files.ts'
import { namesOfActors } from '../who-did-it.ts'
import { traffic } from './deployments.ts'

/** One version: what it holds, which calls it gets, and what was uploaded for it. */
export async function deploymentPage(place: Place, { params }: At): Promise<Node[]> {
  const path = `${place.console}/functions`
  const [deployments, { deploymentId }, nameOf] = await Promise.all([
    readDeployments(place),
    readFunctions(place),
    namesOfActors(place),
  ])
  const version = deployments.find(({ id }) => id === params['id'])
  if (version === undefined) throw new Refused('There is no such version. The last 20 are kept.')
  const sources = await readSources(place, version.id)
  const active = activeOf(deployments, deploymentId)
  const isActive = version.id === deploymentId
  const change = link(`${path}/deployments/new?from=${version.id}`, 'Change its files', 'button')
  const columns = [
    { label: 'Function', cell: ({ name }: { name: string }) => link(`${path}/${name}`, name) },
    { label: 'Kind', cell: ({ kind }: { kind: string }) => kind },
  ]
  const mayChange = place.may('developer')
  return [
    link(`${path}/deployments`, '← Versions'),
    element('h1', {}, labelOf(version)),
    ...lookOnly(place),
    facts(
      ['Calls', traffic(version.share)],
      ['Deployed', time(version.createdAt)],
      ['By', nameOf(version.createdBy)],
      ['Size', bytes(version.sizeBytes)],
      ['Hash', element('code', { title: version.hash }, version.hash.slice(0, 16))],
    ),
    ...(mayChange
      ? [
          element(
            'div',
            { className: 'actions' },
            ...(version.share === 1 ? [] : [activateButton(place, version, active)]),
            ...(sources === null ? [] : [change]),
          ),
        ]
      : []),
    ...(mayChange && !isActive && active !== undefined
      ? [element('h2', {}, 'A share of the calls'), ...shareOf(place, version, active)]
      : []),
    element('h2', {}, 'Functions'),
    version.functions.length > 0
      ? table('Functions', columns, version.functions)
      : empty('This version holds none.'),
    element('h2', {}, 'Files'),
    ...filesOf(sources),
  ]
}

function shareOf(place: Place, version: Deployment, active: Deployment): Node[] {
  const present = Math.round(version.share * 100)
  const share = numberField('Percent of the calls', 'share', present === 0 ? 10 : present, 1, 99)
  const give = form('Give it this share', [share.row], async () => {
    const wanted = share.read() / 100
    await giveShare(place, version, wanted)
    showAgain(notice(`“${labelOf(version)}” gets ${shareText(wanted)}, “${labelOf(active)}” the rest.`))
  })
  const text = `Try it on some calls first; the other ${percent(1 - version.share)} stay with “${labelOf(active)}”. Schedules change with the switch of all calls.`
  const takeOut = actionButton('Take it out', async () => {
    await giveShare(place, version, 0)
    showAgain(notice(`“${labelOf(version)}” gets no calls any more.`))
  })
  return [
    element('p', { className: 'soft' }, text),
    give,
    ...(version.share > 0 ? [element('div', { className: 'actions' }, takeOut)] : []),
  ]
}

function filesOf(sources: Sources | null): Node[] {
  if (sources === null) return [empty('What was uploaded for this version was not kept.')]
  const files = Object.entries(sources.files)
  const own = files.filter(([path]) => isOwnFile(path))
  const others = files.length - own.length
  const shown = own.map(([path, content]) =>
    element(
      'details',
      { className: 'file' },
      element('summary', {}, element('code', {}, path)),
      contentOf(content),
    ),
  )
  return [
    element('div', {}, ...shown),
    ...(others > 0 ? [element('p', { className: 'hint' }, `And ${others} files of packages.`)] : []),
  ]
}

function contentOf(content: SourceFile): HTMLElement {
  return typeof content === 'string'
    ? element('pre', {}, content)
    : element('p', { className: 'soft' }, 'No text.')
}
