import { ApiFault, createApi } from '../api.ts'
import { type Arguments, type Command, shared } from '../command.ts'
import { credentialsPath, readCredentials, saveCredential } from '../credentials.ts'
import { defaultEnvironment, findFolder, findToken, readUrl } from '../environments.ts'
import { CliFault } from '../fault.ts'
import { ask, canAsk, note, print, printJson, readFirstLine } from '../terminal.ts'

interface SignedIn {
  operator: { email: string; name: string }
  token: string
}

export const login: Command = {
  usage: 'login [server]',
  summary: 'sign in as an operator',
  about: `Asks for e-mail and password, and keeps the token in your folder for configuration, readable by you alone.
The server is an address; without one it is that of the folder's environment, or http://127.0.0.1:4000.
Scripts set BASALT_TOKEN instead, to a secret key (scopes settings:read and settings:write) or an operator's token.`,
  options: { env: shared.env.option, email: { type: 'string' } },
  optionHelp: {
    email: 'do not ask for it; without a terminal the password is the first line of the standard input',
    env: shared.env.help,
  },
  maxPositionals: 1,
  async run(args) {
    const url = await chooseServer(args)
    warnOfPlainHttp(url)
    const email = args.text('email') ?? (canAsk() ? await ask(`E-mail for ${url}: `) : undefined)
    if (email === undefined)
      throw new CliFault('Without a terminal say who you are: --email.', { exitCode: 2 })
    const password = canAsk() ? await ask('Password: ', { hidden: true }) : await readFirstLine()
    const body = { email: email.trim(), password }
    const { operator, token } = await createApi(url, undefined).call<SignedIn>(
      'POST',
      '/v1/operators/sign-in',
      { body },
    )
    await saveCredential(url, { token, email: operator.email })
    print(`Signed in at ${url} as ${operator.email}. The token is in ${credentialsPath()}.`)
    return 0
  },
}

export const logout: Command = {
  usage: 'logout [server]',
  summary: 'end that sign-in',
  about: 'Ends the session at the server, and forgets its token.',
  options: { env: shared.env.option },
  optionHelp: { env: shared.env.help },
  maxPositionals: 1,
  async run(args) {
    const url = await chooseServer(args)
    const credential = (await readCredentials()).get(url)
    if (credential === undefined) {
      print(`You are not signed in at ${url}.`)
      return 0
    }
    await saveCredential(url, undefined)
    try {
      await createApi(url, credential.token).call('POST', '/v1/operators/sign-out')
      print(`Signed out at ${url}.`)
    } catch (error) {
      if (!(error instanceof CliFault)) throw error
      if (error instanceof ApiFault && error.code === 'unauthenticated')
        print(`Signed out at ${url}; the session was over already.`)
      else print(`The token is forgotten here, but the session could not be ended: ${error.message}`)
    }
    return 0
  },
}

export const whoami: Command = {
  usage: 'whoami [server]',
  summary: 'who you are there',
  about: 'Tells who the token at hand belongs to, and asks the server whether it still holds.',
  options: { env: shared.env.option, json: shared.json.option },
  optionHelp: { env: shared.env.help, json: shared.json.help },
  maxPositionals: 1,
  async run(args) {
    const url = await chooseServer(args)
    const folder = await findFolder(process.cwd())
    const token = await findToken(url, folder?.path)
    if (token === undefined) throw new CliFault(`You are not signed in at ${url}: \`basalt login ${url}\`.`)
    if (token.startsWith('sk_'))
      return showKey(args, url, folder?.environments[args.text('env') ?? defaultEnvironment]?.project, token)
    const { operator } = await createApi(url, token).call<Omit<SignedIn, 'token'>>('GET', '/v1/operators/me')
    if (args.flag('json')) printJson({ url, kind: 'operator', email: operator.email, name: operator.name })
    else print(`${operator.email} at ${url}`)
    return 0
  },
}

/** A key can't say who it is, but its project answers to it. */
async function showKey(
  args: Arguments,
  url: string,
  project: string | undefined,
  key: string,
): Promise<number> {
  if (project === undefined)
    throw new CliFault('BASALT_TOKEN is a secret key, and there is no project here to ask about it.')
  await createApi(url, key).call('GET', `/v1/projects/${project}`)
  if (args.flag('json')) printJson({ url, kind: 'key', project })
  else print(`a secret key of ${project} at ${url}`)
  return 0
}

async function chooseServer(args: Arguments): Promise<string> {
  const [given] = args.positionals
  if (given !== undefined) return readUrl(given, 'The server')
  const folder = await findFolder(process.cwd())
  const name = args.text('env') ?? defaultEnvironment
  const environment = folder?.environments[name]
  if (environment === undefined && args.text('env') !== undefined) {
    throw new CliFault(`There is no environment ${name} here.`, { exitCode: 2 })
  }
  return environment?.url ?? 'http://127.0.0.1:4000'
}

function warnOfPlainHttp(url: string): void {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'http:' && !/^(127\.|localhost$|\[::1\]$)/.test(hostname)) {
    note(`Warning: ${url} is not encrypted. Whoever sits in between reads the password.`)
  }
}
