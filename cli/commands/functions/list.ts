import { type Command, shared } from '../../command.ts'
import { defaultEnvironment, openTarget, requireFolder } from '../../environments.ts'
import { describeFunction, type FunctionInfo } from '../../plan-functions.ts'
import { paint, print, printJson, printTable } from '../../terminal.ts'

interface Active {
  deploymentId: string | null
  next: { deploymentId: string; share: number } | null
  functions: FunctionInfo[]
}

interface Usage {
  functions: { name: string; calls: number; errors: number; averageMilliseconds: number }[]
}

export const list: Command = {
  usage: 'functions list [options]',
  summary: 'what functions a project runs, and how they do',
  about: 'Lists the functions of the version that runs, with calls and errors of the last 24 hours.',
  options: { env: shared.env.option, json: shared.json.option },
  optionHelp: { env: shared.env.help, json: shared.json.help },
  maxPositionals: 0,
  async run(args) {
    const folder = await requireFolder(process.cwd())
    const { api, project } = await openTarget(folder, args.text('env') ?? defaultEnvironment)
    const path = `/v1/projects/${project}/functions`
    const { deploymentId, next, functions } = await api.call<Active>('GET', path)
    const usage = await api.call<Usage>('GET', `${path}/usage`)
    const counted = new Map(usage.functions.map((each) => [each.name, each]))
    const rows = functions.map((info) => {
      const { calls = 0, errors = 0, averageMilliseconds = 0 } = counted.get(info.name) ?? {}
      return {
        name: info.name,
        kind: info.kind,
        what: describeFunction(info),
        calls,
        errors,
        averageMilliseconds,
      }
    })
    if (args.flag('json')) {
      printJson({ version: deploymentId, next, functions: rows })
      return 0
    }
    if (deploymentId === null) {
      print('No functions are deployed.')
      return 0
    }
    print(paint('dim', `version ${deploymentId}`))
    if (next !== null)
      print(paint('dim', `${Math.round(next.share * 100)} % of the calls go to ${next.deploymentId}`))
    printTable([
      ['function', 'what', 'calls', 'errors', 'average'],
      ...rows.map(({ name, what = '', calls, errors, averageMilliseconds }) => [
        name,
        what,
        String(calls),
        errors === 0 ? '0' : paint('red', String(errors)),
        calls === 0 ? '' : `${averageMilliseconds.toFixed(1)} ms`,
      ]),
    ])
    return 0
  },
}
