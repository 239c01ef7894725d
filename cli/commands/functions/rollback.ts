import { type Command, shared } from '../../command.ts'
import { defaultEnvironment, openTarget, requireFolder, type Target } from '../../environments.ts'
import { CliFault, wrongUsage } from '../../fault.ts'
import { confirm, paint, print, printJson, printTable } from '../../terminal.ts'

interface Deployment {
  id: string
  message: string
  createdAt: string
  createdBy: string
  /** Of the calls. */
  share: number
  functions: { name: string }[]
}

export const versions: Command = {
  usage: 'functions versions [options]',
  summary: 'which versions of the functions are kept',
  about: 'Lists what was deployed, the newest first, and how many of the calls each gets.',
  options: { env: shared.env.option, json: shared.json.option },
  optionHelp: { env: shared.env.help, json: shared.json.help },
  maxPositionals: 0,
  async run(args) {
    const folder = await requireFolder(process.cwd())
    const target = await openTarget(folder, args.text('env') ?? defaultEnvironment)
    const deployments = await readDeployments(target)
    if (args.flag('json')) printJson({ versions: deployments })
    else if (deployments.length === 0) print('No functions are deployed.')
    else
      printTable([
        ['version', 'deployed', 'by', 'functions', 'calls'],
        ...deployments.map(({ id, createdAt, createdBy, functions, share }) => [
          id,
          createdAt.slice(0, 19).replace('T', ' '),
          createdBy,
          String(functions.length),
          share === 0 ? '' : paint('green', `${Math.round(share * 100)} %`),
        ]),
      ])
    return 0
  },
}

export const rollback: Command = {
  usage: 'functions rollback [version] [options]',
  summary: 'go back to another version of the functions',
  about: `Switches all calls to a version that is kept; without one, to that before the version that runs. Calls under way
finish in theirs. The folder stays as it is, so deploy --check shows the drift.`,
  options: { env: shared.env.option, yes: shared.yes.option },
  optionHelp: { env: shared.env.help, yes: shared.yes.help },
  maxPositionals: 1,
  async run(args) {
    const folder = await requireFolder(process.cwd())
    const target = await openTarget(folder, args.text('env') ?? defaultEnvironment)
    const chosen = choose(await readDeployments(target), args.positionals[0])
    const time = chosen.createdAt.slice(0, 19).replace('T', ' ')
    const question = `Go back to version ${chosen.id} of ${time} in ${target.name}?`
    if (!args.flag('yes') && !(await confirm(question))) {
      print('Nothing was changed.')
      return 1
    }
    const path = `/v1/projects/${target.project}/functions/deployments/${chosen.id}/activate`
    await target.api.call('POST', path, { body: {} })
    print(`${target.name} runs version ${chosen.id} of ${time}, with ${chosen.functions.length} functions.`)
    return 0
  },
}

/** The newest first. */
async function readDeployments({ api, project }: Target): Promise<Deployment[]> {
  const path = `/v1/projects/${project}/functions/deployments`
  const { deployments } = await api.call<{ deployments: Deployment[] }>('GET', path)
  return deployments
}

/** Ids may be cut short, as long as they mean one version. */
function choose(deployments: readonly Deployment[], wanted: string | undefined): Deployment {
  if (wanted !== undefined) {
    const found = deployments.filter(({ id }) => id.startsWith(wanted))
    const [first] = found
    if (first !== undefined && found.length === 1) return first
    throw wrongUsage(
      `${wanted} ${first === undefined ? 'is not a version that is kept' : 'may be several versions'}: \`basalt functions versions\` lists them.`,
    )
  }
  const active = deployments.reduce(
    (most, each, at) => (each.share > (deployments[most]?.share ?? 0) ? at : most),
    0,
  )
  const before = deployments[active + 1]
  if (before === undefined) throw new CliFault('There is no version before the one that runs.')
  return before
}
