import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Command, shared } from '../command.ts'
import type { Collection } from '../definitions.ts'
import { defaultEnvironment, type Folder, openTarget, requireFolder, type Target } from '../environments.ts'
import { CliFault } from '../fault.ts'
import { type FolderConfiguration, loadFolder } from '../load-folder.ts'
import { makePlan, readChannelRules, readCollections, readSettings } from '../plan.ts'
import { type ProjectPart, projectFiles, projectParts } from '../project-files.ts'
import { confirm, note, print } from '../terminal.ts'
import { literal } from '../write-code.ts'
import { inOrder, writeSchema } from '../write-schema.ts'

export const pull: Command = {
  usage: 'pull [options]',
  summary: 'write this folder from a running project',
  about: `Writes schema.ts, channels.ts and settings.ts so that they say what the project is. A file that says so
already is left as it is. One that is rewritten loses its comments and what it computed: keep the folder in version
control.`,
  options: { env: shared.env.option, yes: shared.yes.option },
  optionHelp: { env: shared.env.help, yes: 'rewrite files without asking' },
  maxPositionals: 0,
  async run(args) {
    const folder = await requireFolder(process.cwd())
    const target = await openTarget(folder, args.text('env') ?? defaultEnvironment)
    const stale = await findStaleParts(folder, target)
    if (stale.length === 0) {
      print(`Nothing to do: the folder says what ${target.name} is.`)
      return 0
    }
    const existing = await existingFiles(folder.path, stale)
    if (existing.length > 0 && !args.flag('yes') && !(await confirm(`Rewrite ${existing.join(' and ')}?`))) {
      print('Nothing was changed.')
      return 1
    }
    const written = await writeParts(target, stale)
    for (const [part, text] of written) await writeFile(join(folder.path, projectFiles[part]), text)
    for (const part of stale) print(`wrote ${projectFiles[part]}`)
    return 0
  },
}

/** Those that are missing, faulty, or say something else than the project. */
async function findStaleParts(folder: Folder, target: Target): Promise<ProjectPart[]> {
  let configuration: FolderConfiguration
  try {
    configuration = await loadFolder(folder.path, target.name)
    const plan = await makePlan(folder.path, configuration, target, { delete: [] })
    const settings = await readSettings(target)
    const has = (kind: string): boolean => plan.changes.some((change) => change.kind === kind)
    const isStale = {
      schema: configuration.collections === undefined || has('collection') || plan.strays.length > 0,
      channels: configuration.channels === undefined || has('channel'),
      settings: !isDeepStrictEqual(configuration.settings, settings),
    }
    return projectParts.filter((part) => isStale[part])
  } catch (error) {
    // Of a faulty folder nothing is known; all of it is written anew.
    if (!(error instanceof CliFault) || !('faults' in error)) throw error
    note(error.message)
    return [...projectParts]
  }
}

async function writeParts(target: Target, parts: readonly ProjectPart[]): Promise<Map<ProjectPart, string>> {
  const written = new Map<ProjectPart, string>()
  if (parts.includes('schema')) written.set('schema', writeSchema(await declaredCollections(target)))
  if (parts.includes('channels')) {
    const rules = Object.fromEntries(
      [...(await readChannelRules(target))].map(([pattern, each]) => [
        pattern,
        inOrder(each, ['join', 'broadcast', 'presence']),
      ]),
    )
    written.set('channels', typed('channels', 'ChannelRules', 'Record<string, ChannelRules>', rules))
  }
  if (parts.includes('settings'))
    written.set('settings', typed('settings', 'Settings', 'Settings', await readSettings(target)))
  return written
}

/** Without the built-in ones of which nothing was declared. */
async function declaredCollections({ api, project, ...rest }: Target): Promise<Collection[]> {
  const collections = [...(await readCollections({ api, project, ...rest })).values()]
  const users = `/v1/projects/${project}/collections/users`
  const { changes } = await api.call<{ changes: unknown[] }>('PUT', users, {
    body: {},
    query: { dryRun: 'true' },
  })
  return collections.filter(({ name }) => name !== 'users' || changes.length > 0)
}

function typed(name: string, imported: string, type: string, value: unknown): string {
  return `import type { ${imported} } from '@basalt/client'

export const ${name}: ${type} = ${literal(value).print(0)}
`
}

async function existingFiles(folder: string, parts: readonly ProjectPart[]): Promise<string[]> {
  const files = parts.map((part) => projectFiles[part])
  const present = await Promise.all(
    files.map((file) =>
      access(join(folder, file)).then(
        () => true,
        () => false,
      ),
    ),
  )
  return files.filter((_, at) => present[at])
}
