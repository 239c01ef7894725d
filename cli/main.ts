import { parseArgs } from 'node:util'
import type { Arguments, Command } from './command.ts'
import { deploy } from './commands/deploy.ts'
import { dev } from './commands/dev.ts'
import { doctor } from './commands/doctor.ts'
import { invoke } from './commands/functions/invoke.ts'
import { list } from './commands/functions/list.ts'
import { logs } from './commands/functions/logs.ts'
import { rollback, versions } from './commands/functions/rollback.ts'
import { init } from './commands/init.ts'
import { link } from './commands/link.ts'
import { login, logout, whoami } from './commands/login.ts'
import { pull } from './commands/pull.ts'
import { listSecrets, setSecret, unsetSecret } from './commands/secrets.ts'
import { start } from './commands/start.ts'
import { CliFault, messageOf, wrongUsage } from './fault.ts'
import { version } from './package-root.ts'
import { note, paint, print } from './terminal.ts'

const commands = new Map<string, Command>(
  Object.entries({
    init,
    dev,
    deploy,
    pull,
    link,
    login,
    logout,
    whoami,
    'functions list': list,
    'functions logs': logs,
    'functions invoke': invoke,
    'functions versions': versions,
    'functions rollback': rollback,
    'secrets list': listSecrets,
    'secrets set': setSecret,
    'secrets unset': unsetSecret,
    start,
    doctor,
  }),
)

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  try {
    const { name, rest } = readName(args)
    if (name === '--version' || name === '-v') return show(version())
    if (name === '--help' || name === '-h') return show(overview())
    if (name === 'help') return await main([...rest, '--help'])
    if (isGroup(name) && (rest[0] === undefined || rest[0] === '--help' || rest[0] === '-h'))
      return show(overview(name))
    const command = find(name)
    if (rest.includes('--help') || rest.includes('-h')) return show(helpOf(name, command))
    return await command.run(parse(name, command, rest))
  } catch (error) {
    if (!(error instanceof CliFault)) throw error
    note(error.message)
    return error.exitCode
  }
}

/** One word, or two: `functions logs`. */
function readName([first = '--help', ...rest]: string[]): { name: string; rest: string[] } {
  const both = `${first} ${rest[0]}`
  return commands.has(both) ? { name: both, rest: rest.slice(1) } : { name: first, rest }
}

function isGroup(name: string): boolean {
  return [...commands.keys()].some((known) => known.startsWith(`${name} `))
}

function find(name: string): Command {
  const command = commands.get(name)
  if (command !== undefined) return command
  if (isGroup(name)) {
    throw wrongUsage(`basalt ${name} takes one of its commands: \`basalt ${name} --help\` lists them.`)
  }
  const close = [...commands.keys()].find((known) => known.startsWith(name.slice(0, 3)))
  const hint = close === undefined ? '' : ` Did you mean ${close}?`
  throw wrongUsage(`basalt ${name} is not a command.${hint} \`basalt --help\` lists them.`)
}

function parse(name: string, command: Command, args: string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args: args.map((arg) => withValue(arg, command)),
      options: command.options,
      allowPositionals: true,
      strict: true,
    })
    const extra = positionals[command.maxPositionals]
    if (extra !== undefined) throw new Error(`'${extra}' is one argument too many.`)
    const text = (key: string): string | undefined => {
      const value = values[key]
      return typeof value === 'string' ? value : undefined
    }
    const texts = (key: string): string[] => {
      const value = values[key]
      return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
    }
    return { positionals, text, texts, flag: (key) => values[key] === true }
  } catch (error) {
    // Node adds how to pass arguments that begin with a hyphen, which none of ours do.
    const [first = ''] = messageOf(error).split(/\. |\n/)
    throw wrongUsage(`${first.replace(/\.?$/, '.')} \`basalt ${name} --help\` shows what there is.`)
  }
}

function withValue(arg: string, { impliedValues = {} }: Command): string {
  const value = arg.startsWith('--') ? impliedValues[arg.slice(2)] : undefined
  return value === undefined ? arg : `${arg}=${value}`
}

function show(text: string): number {
  print(text)
  return 0
}

/** Of all commands, or of those of a group. */
function overview(group?: string): string {
  const shown = [...commands].filter(([name]) => group === undefined || name.startsWith(`${group} `))
  const lines = shown.map(([name, { summary }]) => `  ${name.padEnd(20)}${summary}`)
  return `Usage: basalt ${group === undefined ? '' : `${group} `}<command> [options]

${lines.join('\n')}

${paint('dim', 'basalt <command> --help tells more; basalt --version prints the version.')}`
}

function helpOf(name: string, { usage, about, options, optionHelp }: Command): string {
  const lines = Object.entries(optionHelp).map(([option, help]) => {
    const { short, type } = options[option] ?? { type: 'boolean' }
    const left = `${short === undefined ? '' : `-${short}, `}--${option}${type === 'string' ? ' …' : ''}`
    return `  ${left.padEnd(18)}${help}`
  })
  const shown = lines.length === 0 ? '' : `\n\n${lines.join('\n')}`
  return `Usage: basalt ${usage}\n\n${about}${shown}`
}
