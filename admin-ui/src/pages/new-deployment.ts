import { shareText } from '../activate-version.ts'
import { api, type Issue, Refused } from '../api.ts'
import { ask } from '../ask.ts'
import { element, link } from '../elements.ts'
import { numberField, optionalField, switchField, textField } from '../fields.ts'
import { type FileSet, fileSet, newFunction } from '../file-set.ts'
import { form } from '../form.ts'
import { type FunctionInfo, readFunctions } from '../function-api.ts'
import { notice } from '../notices.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'
import { show } from '../show-page.ts'
import { manifestFor, readFiles, readFolder, readSources, type Sources } from '../upload-files.ts'

/** Makes a version of uploaded files, beginning with those of another version: the active one, if none is named. */
export async function newDeploymentPage(place: Place, { query }: At): Promise<Node[]> {
  const list = `${place.console}/functions/deployments`
  const head = [link(list, '← Versions'), element('h1', {}, 'New version'), ...lookOnly(place)]
  if (!place.may('developer')) return head
  const { functions, deploymentId } = await readFunctions(place)
  const from = query.get('from') ?? deploymentId
  const begun = from === null ? null : await readSources(place, from)
  const set = fileSet(new Map(Object.entries(begun?.files ?? {})))
  return [
    ...head,
    element('p', { className: 'lead' }, beginning(from, deploymentId, begun)),
    element('h2', {}, 'Files'),
    set.element,
    element('div', { className: 'beside' }, folderPicker(set), filePicker(set)),
    newFunction(set),
    element('h2', {}, 'Deploy'),
    ...deploy(place, set, begun?.manifest, functions),
  ]
}

function beginning(from: string | null, activeId: string | null, begun: Sources | null): string {
  if (from === null) return 'The first version of this project’s functions.'
  if (begun === null)
    return 'What was uploaded for the version before was not kept, so this one begins empty: functions that you don’t add are gone from it.'
  const which = from === activeId ? 'the active version' : 'the version that you chose'
  return `It begins with the files of ${which}; change what should change.`
}

function filePicker({ files, draw }: FileSet): HTMLElement {
  const chosen = textField('Files', 'files', {
    type: 'file',
    multiple: true,
    hint: 'They go into functions/, beside or instead of what is there.',
  })
  return form('Add files', [chosen.row], async () => {
    const added = await readFiles([...(chosen.row.querySelector('input')?.files ?? [])])
    for (const [path, content] of added) files.set(path, content)
    draw()
    return said(added.size)
  })
}

function folderPicker({ files, draw }: FileSet): HTMLElement {
  const chosen = textField('Folder', 'folder', {
    type: 'file',
    webkitdirectory: true,
    hint: 'The one that holds functions/, or functions/ itself. It replaces all files here; what is hidden stays out.',
  })
  const packages = switchField('With node_modules', 'packages', false, 'Where functions import packages.')
  return form('Use folder', [chosen.row, packages.row], async () => {
    const read = await readFolder([...(chosen.row.querySelector('input')?.files ?? [])], packages.read())
    files.clear()
    for (const [path, content] of read) files.set(path, content)
    draw()
    return said(read.size)
  })
}

function said(amount: number): string {
  return amount === 1 ? 'One file is there.' : `${amount.toLocaleString()} files are there.`
}

function deploy(
  place: Place,
  set: FileSet,
  manifest: Sources['manifest'],
  running: readonly FunctionInfo[],
): Node[] {
  const faults = element('section', { className: 'outcome', role: 'alert' })
  const message = optionalField('What has changed', 'message', { maxLength: 500 })
  const share = numberField('Percent of the calls that it gets', 'share', 100, 0, 100)
  const made = form('Deploy', [message.row, share.row], async () => {
    faults.replaceChildren()
    const named = manifestFor(set.files, manifest)
    const upload = { files: Object.fromEntries(set.files), ...(named !== undefined && { manifest: named }) }
    const path = `${place.api}/functions/deployments`
    try {
      const tried = await api<{ functions: FunctionInfo[] }>('POST', `${path}?dryRun=true`, upload)
      if (
        !(await ask('Deploy this version?', planOf(tried.functions, running, share.read() / 100), 'Deploy'))
      )
        return
      const about = message.read()
      const body = { ...upload, share: share.read() / 100, ...(about !== undefined && { message: about }) }
      const { id } = await api<{ id: string }>('POST', path, body)
      show(`${place.console}/functions/deployments/${id}`, [notice('The version is deployed.')])
    } catch (error) {
      if (!(error instanceof Refused) || error.issues.length === 0) throw error
      faults.replaceChildren(...faultList(set, error.issues))
      throw new Refused('It was refused, and what runs goes on. See what is wrong below.')
    }
  })
  return [made, faults]
}

/** What would change for callers, in words. */
function planOf(next: readonly FunctionInfo[], running: readonly FunctionInfo[], share: number): string {
  const before = new Map(running.map((one) => [one.name, one]))
  const after = new Set(next.map(({ name }) => name))
  const named = (word: string, names: string[]): string[] =>
    names.length === 0 ? [] : [`${word}: ${names.join(', ')}.`]
  const isChanged = ({ name, hash }: FunctionInfo): boolean =>
    before.has(name) && before.get(name)?.hash !== hash
  const lines = [
    ...named(
      'New',
      next.filter(({ name }) => !before.has(name)).map(({ name }) => name),
    ),
    ...named(
      'Changed',
      next.filter(isChanged).map(({ name }) => name),
    ),
    ...named(
      'Gone',
      running.filter(({ name }) => !after.has(name)).map(({ name }) => name),
    ),
  ]
  const changes = lines.length === 0 ? 'No function has changed.' : lines.join(' ')
  return `It builds and loads. ${changes} It gets ${shareText(share)}.`
}

/** The places are links into the editor. */
function faultList(set: FileSet, issues: readonly Issue[]): Node[] {
  const rows = issues.map(({ path, message }) => {
    const [, file = path, line] = /^(.*?):(\d+)(?::\d+)?$/.exec(path) ?? []
    const isOpenable = typeof set.files.get(file) === 'string'
    const place = isOpenable
      ? element('button', { type: 'button', className: 'plain' }, path)
      : element('code', {}, path)
    if (isOpenable) {
      place.addEventListener(
        'click',
        () => void set.open(file, line === undefined ? undefined : Number(line)),
      )
    }
    return element('li', {}, place, element('span', {}, message))
  })
  return [element('ul', { className: 'rows faults' }, ...rows)]
}
