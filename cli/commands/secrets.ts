import { ApiFault } from '../api.ts'
import { type Command, shared } from '../command.ts'
import { defaultEnvironment, openTarget, requireFolder, type Target } from '../environments.ts'
import { CliFault, wrongUsage } from '../fault.ts'
import { ask, print, printJson, printTable, readInput } from '../terminal.ts'

const secretName = /^[A-Z][A-Z0-9_]{0,63}$/

export const listSecrets: Command = {
  usage: 'secrets list [options]',
  summary: 'which secrets functions have',
  about: 'Lists the names of the secrets, and when each was set. Their values are never told.',
  options: { env: shared.env.option, json: shared.json.option },
  optionHelp: { env: shared.env.help, json: shared.json.help },
  maxPositionals: 0,
  async run(args) {
    const { api, project } = await target(args.text('env'))
    const path = `/v1/projects/${project}/functions/secrets`
    const { secrets } = await api.call<{ secrets: { name: string; updatedAt: string }[] }>('GET', path)
    if (args.flag('json')) printJson({ secrets })
    else if (secrets.length === 0) print('There are no secrets.')
    else
      printTable([
        ['secret', 'set'],
        ...secrets.map(({ name, updatedAt }) => [name, updatedAt.slice(0, 19).replace('T', ' ')]),
      ])
    return 0
  },
}

export const setSecret: Command = {
  usage: 'secrets set <NAME> [options]',
  summary: 'set a secret that functions read',
  about: `Asks for the value, or takes it from the standard input: basalt secrets set NAME < file. It is never an argument,
which everybody on this machine could read. Functions see it with their next call, as env.NAME.`,
  options: { env: shared.env.option },
  optionHelp: { env: shared.env.help },
  maxPositionals: 1,
  async run(args) {
    const name = readName(args.positionals[0])
    const { api, project, name: environment } = await target(args.text('env'))
    const value = process.stdin.isTTY ? await ask(`${name}: `, { hidden: true }) : await readInput()
    // What editors and `echo` put at the end of a file is no part of it.
    const trimmed = value.replace(/\r?\n$/, '')
    if (trimmed === '') throw new CliFault('The value is empty; nothing was changed.')
    await api.call('PUT', `/v1/projects/${project}/functions/secrets/${name}`, { body: { value: trimmed } })
    print(`${name} is set in ${environment}.`)
    return 0
  },
}

export const unsetSecret: Command = {
  usage: 'secrets unset <NAME> [options]',
  summary: 'delete a secret',
  about: 'Functions do without it from their next call on.',
  options: { env: shared.env.option },
  optionHelp: { env: shared.env.help },
  maxPositionals: 1,
  async run(args) {
    const name = readName(args.positionals[0])
    const { api, project, name: environment } = await target(args.text('env'))
    try {
      await api.call('DELETE', `/v1/projects/${project}/functions/secrets/${name}`)
    } catch (error) {
      if (!(error instanceof ApiFault) || error.code !== 'not_found') throw error
      throw new CliFault(`${environment} has no secret ${name}.`, { cause: error })
    }
    print(`${name} is gone from ${environment}.`)
    return 0
  },
}

function readName(text: string | undefined): string {
  if (text?.includes('=') === true) {
    throw wrongUsage(
      'Give the name alone, and the value at the prompt or by the standard input: arguments can be read by others.',
    )
  }
  if (text === undefined || !secretName.test(text)) {
    throw wrongUsage('A secret has a name of capital letters, digits and _: STRIPE_KEY.')
  }
  return text
}

async function target(environment: string | undefined): Promise<Target> {
  const folder = await requireFolder(process.cwd())
  return openTarget(folder, environment ?? defaultEnvironment)
}
