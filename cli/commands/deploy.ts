import { type Command, shared } from '../command.ts'
import { defaultEnvironment, openTarget, requireFolder, type Target } from '../environments.ts'
import { CliFault, messageOf, wrongUsage } from '../fault.ts'
import { loadFolder } from '../load-folder.ts'
import { makePlan, type Plan } from '../plan.ts'
import { presentPlan, showPlan, titleOf } from '../show-plan.ts'
import { confirm, paint, print, printJson } from '../terminal.ts'

export const deploy: Command = {
  usage: 'deploy [options]',
  summary: 'bring a project to what this folder says',
  about: `Shows what would change, asks, and does it: collections with their fields, indexes and rules, channels, settings,
and functions, which are one version.
A collection that the folder doesn't name stays, with its documents, unless --delete names it.`,
  options: {
    env: shared.env.option,
    check: { type: 'boolean' },
    delete: { type: 'string', multiple: true },
    yes: shared.yes.option,
    json: shared.json.option,
  },
  optionHelp: {
    env: shared.env.help,
    check: 'change nothing; exit with 1 if folder and project differ, or the folder is faulty',
    delete: 'delete this collection with its documents; may be repeated',
    yes: shared.yes.help,
    json: shared.json.help,
  },
  maxPositionals: 0,
  async run(args) {
    const isCheck = args.flag('check')
    const deletions = [...new Set(args.texts('delete'))]
    if (isCheck && deletions.length > 0)
      throw wrongUsage('--check changes nothing, so there is nothing to --delete.')
    const folder = await requireFolder(process.cwd())
    const target = await openTarget(folder, args.text('env') ?? defaultEnvironment)
    const configuration = await loadFolder(folder.path, target.name)
    const plan = await makePlan(folder.path, configuration, target, { delete: deletions })
    const isInSync = plan.changes.length === 0 && plan.strays.length === 0

    if (args.flag('json')) {
      if (!isCheck && !args.flag('yes')) throw wrongUsage('--json does not ask: add --check or --yes.')
      if (!isCheck) await applyPlan(plan, () => undefined)
      printJson({ environment: target.name, url: target.url, project: target.project, ...presentPlan(plan) })
      return isCheck && !isInSync ? 1 : 0
    }
    print(describeTarget(target))
    print()
    showPlan(plan)
    if (isCheck) return concludeCheck(isInSync)
    if (plan.changes.length === 0) {
      print(isInSync ? 'Nothing to do: the project is what the folder says.' : '\nNothing else to do.')
      return 0
    }
    print()
    if (!args.flag('yes') && !(await confirm(`Deploy this to ${target.name}?`))) {
      print('Nothing was changed.')
      return 1
    }
    await applyPlan(plan, (name) => print(`${paint('green', '✓')} ${name}`))
    print(
      `${target.name} is what the folder says${plan.strays.length > 0 ? ', but for the collections above' : ''}.`,
    )
    return 0
  },
}

function describeTarget({ name, project, url }: Target): string {
  return paint('bold', `${name}: ${project} at ${url}`)
}

function concludeCheck(isInSync: boolean): number {
  print(
    isInSync
      ? 'No drift: the project is what the folder says.'
      : '\nFolder and project differ. Nothing was changed.',
  )
  return isInSync ? 0 : 1
}

/** One after the other; each can be repeated, so whoever deploys again after a fault goes on from there. */
export async function applyPlan({ changes }: Plan, applied: (name: string) => void): Promise<void> {
  for (const [done, change] of changes.entries()) {
    const name = titleOf(change)
    try {
      await change.apply()
    } catch (error) {
      const rest = changes.length - done - 1
      throw new CliFault(
        `${paint('red', '✗')} ${name}: ${messageOf(error)}\n${done} of ${changes.length} changes were made${rest > 0 ? `, ${rest} were not tried` : ''}. Deploying again goes on from here.`,
        { cause: error },
      )
    }
    applied(change.sign === '-' ? `${name} is gone` : name)
  }
}
