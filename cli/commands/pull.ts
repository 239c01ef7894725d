import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Command, shared } from '../command.ts'
import type { Collection } from '../definitions.ts'
import { defaultEnvironment, type Folder, openTarget, requireFolder, type Target } from '../environments.ts'
import { FolderFaults, type FolderConfiguration, loadFolder } from '../load-folder.ts'
import { makePlan, readChannelRules, readCollections, readSettings } from '../plan.ts'
import { type ProjectPart, projectFiles, projectParts } from '../project-files.ts'
import { type FunctionFiles, readFunctionFiles, writeFunctionFiles } from '../pull-functions.ts'
import { showPlan } from '../show-plan.ts'
import { confirm, note, print } from '../terminal.ts'
import { literal } from '../write-code.ts'
import { inOrder, writeSchema } from '../write-schema.ts'

export const pull: Command = {
  usage: 'pull [options]',
  summary: 'write this folder from a running project',
  about: `Writes schema.ts, channels.ts and settings.ts so that they say what the project is, and the functions as they were
deployed. A file that says so already is left as it is. One that is rewritten loses its comments and what it
computed: keep the folder in version control.`,
  options: { env: shared.env.option, yes: shared.yes.option },
  optionHelp: { env: shared.env.help, yes: 'rewrite files without asking' },
  maxPositionals: 0,
  async run(args) {
    const folder = await requireFolder(process.cwd())
    const target = await openTarget(folder, args.text('env') ?? defaultEnvironment)
    const { parts, functions } = await findStale(folder, target)
    if (parts.length === 0 && functions === undefined) {
      print(`Nothing to do: the folder says what ${target.name} is.`)
      return 0
    }
    const rewritten = [...(await existingFiles(folder.path, parts)), ...(functions?.rewrite ?? [])]
    const question = [
      ...(rewritten.length > 0 ? [`Rewrite ${rewritten.join(' and ')}?`] : []),
      ...(functions !== undefined && functions.remove.length > 0
        ? [`Remove ${functions.remove.join(' and ')}?`]
        : []),
    ].join(' ')
    if (question !== '' && !args.flag('yes') && !(await confirm(question))) {
      print('Nothing was changed.')
      return 1
    }
    const written = await writeParts(target, parts)
    for (const [part, text] of written) await writeFile(join(folder.path, projectFiles[part]), text)
    for (const part of parts) print(`wrote ${projectFiles[part]}`)
    if (functions !== undefined) {
      for (const line of await writeFunctionFiles(folder.path, functions)) print(line)
      await tellRest(folder, target, functions)
    }
    return 0
  },
}

/** Functions consist of more than what a folder holds: packages as npm installs them, for one. */
async function tellRest(
  folder: Folder,
  target: Target,
  { packages, elsewhere }: FunctionFiles,
): Promise<void> {
  if (elsewhere.length > 0) note(`Not written, as they are not part of the folder: ${elsewhere.join(', ')}`)
  try {
    const configuration = await loadFolder(folder.path, target.name)
    const plan = await makePlan(folder.path, configuration, target, { delete: [] })
    if (plan.changes.length === 0) return
    note('What differs still:')
    showPlan(plan)
  } catch (error) {
    if (!(error instanceof FolderFaults)) throw error
    note(error.message)
  }
  if (packages.length > 0) {
    note(
      `The functions were deployed with these packages: ${packages.join(', ')}. Are they installed here, in the same versions?`,
    )
  }
}

interface Stale {
  /** Those that are missing, faulty, or say something else than the project. */
  parts: ProjectPart[]
  /** Undefined: they are what the project runs. */
  functions: FunctionFiles | undefined
}

async function findStale(folder: Folder, target: Target): Promise<Stale> {
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
    const { functions: local } = configuration
    const functions =
      local === undefined || has('functions')
        ? await readFunctionFiles(target, folder.path, local)
        : undefined
    return {
      parts: projectParts.filter((part) => isStale[part]),
      functions: functions !== undefined && hasWork(functions, has('functions')) ? functions : undefined,
    }
  } catch (error) {
    // Of a faulty folder nothing is known; all of it is written anew.
    if (!(error instanceof FolderFaults)) throw error
    note(error.message)
    return {
      parts: [...projectParts],
      functions: await readFunctionFiles(target, folder.path, undefined),
    }
  }
}

/** The same files with other packages differ as well. */
function hasWork({ write, remove }: FunctionFiles, isDrifting: boolean): boolean {
  return isDrifting || write.size > 0 || remove.length > 0
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
