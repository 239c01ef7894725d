import { type Api, ApiFault, createApi } from '../../api.ts'
import { type Command, shared } from '../../command.ts'
import { defaultEnvironment, openTarget, requireFolder, type Target } from '../../environments.ts'
import { messageOf, wrongUsage } from '../../fault.ts'
import { note, printJson, readInput } from '../../terminal.ts'

export const invoke: Command = {
  usage: 'functions invoke <name> [options]',
  summary: 'call a function, and print what it returns',
  about: `Calls a callable function as a server, or as one of the project's users, and prints its output as JSON. Exits
with 1 if it fails. Acting as a user needs the right to impersonate, and stands in the audit log.`,
  options: {
    env: shared.env.option,
    input: { type: 'string', short: 'i' },
    as: { type: 'string' },
    json: shared.json.option,
  },
  optionHelp: {
    env: shared.env.help,
    input: 'its input as JSON ({}); - reads it from the standard input',
    as: 'the id of a user to call it as',
    json: 'print the error as JSON too',
  },
  maxPositionals: 1,
  async run(args) {
    const [name] = args.positionals
    if (name === undefined) throw wrongUsage('Say which function: basalt functions invoke <name>.')
    const input = await readJsonInput(args.text('input') ?? '{}')
    const folder = await requireFolder(process.cwd())
    const target = await openTarget(folder, args.text('env') ?? defaultEnvironment)
    const path = `/v1/projects/${target.project}/functions/${encodeURIComponent(name)}`
    try {
      const { output } = await actAs(target, args.text('as'), (api) =>
        api.call<{ output: unknown }>('POST', path, { body: { input } }),
      )
      printJson(output)
      return 0
    } catch (error) {
      if (!(error instanceof ApiFault) || error.code === '') throw error
      const { code, message, issues } = error
      if (args.flag('json')) printJson({ error: { code, message, issues } })
      else
        note([`${code}: ${message}`, ...issues.map((each) => `  ${each.path}: ${each.message}`)].join('\n'))
      if (code === 'function_failed') note(`Its stack: basalt functions logs ${name} --level error`)
      return 1
    }
  },
}

async function readJsonInput(text: string): Promise<unknown> {
  try {
    return JSON.parse(text === '-' ? await readInput() : text)
  } catch (error) {
    throw wrongUsage(`--input is not JSON: ${messageOf(error)}`)
  }
}

/** As the user for this one call: their session ends with it. */
async function actAs<T>(
  { api, url, project }: Target,
  user: string | undefined,
  work: (api: Api) => Promise<T>,
): Promise<T> {
  if (user === undefined) return work(api)
  const path = `/v1/projects/${project}`
  const { accessToken } = await api.call<{ accessToken: string }>(
    'POST',
    `${path}/users/${encodeURIComponent(user)}/impersonate`,
  )
  const asUser = createApi(url, accessToken)
  try {
    return await work(asUser)
  } finally {
    await asUser.call('POST', `${path}/auth/sign-out`)
  }
}
