import { parseArgs } from 'node:util'
import type { Arguments, Command } from './command.ts'
import { deploy } from './commands/deploy.ts'
import { dev } from './commands/dev.ts'
import { doctor } from './commands/doctor.ts'
import { init } from './commands/init.ts'
import { link } from './commands/link.ts'
import { login, logout, whoami } from './commands/login.ts'
import { pull } from './commands/pull.ts'
import { start } from './commands/start.ts'
import { CliFault, messageOf, wrongUsage } from './fault.ts'
import { version } from './package-root.ts'
import { note, paint, print } from './terminal.ts'

const commands = new Map<string, Command>(
  Object.entries({ init, dev, deploy, pull, link, login, logout, whoami, start, doctor }),
)

process.exitCode = await main(process.argv.slice(2))

async function main([name = '--help', ...rest]: string[]): Promise<number> {
  try {
    if (name === '--version' || name === '-v') return show(version())
    if (name === '--help' || name === '-h') return show(overview())
    if (name === 'help') return show(rest[0] === undefined ? overview() : helpOf(rest[0], find(rest[0])))
    const command = find(name)
    if (rest.includes('--help') || rest.includes('-h')) return show(helpOf(name, command))
    return await command.run(parse(name, command, rest))
  } catch (error) {
    if (!(error instanceof CliFault)) throw error
    note(error.message)
    return error.exitCode
  }
}

function find(name: string): Command {
  const command = commands.get(name)
  if (command !== undefined) return command
  const close = [...commands.keys()].find((known) => known.startsWith(name.slice(0, 3)))
  const hint = close === undefined ? '' : ` Did you mean ${close}?`
  throw wrongUsage(`basalt ${name} is not a command.${hint} \`basalt --help\` lists them.`)
}

function parse(name: string, command: Command, args: string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args,
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

function show(text: string): number {
  print(text)
  return 0
}

function overview(): string {
  const lines = [...commands].map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  return `Usage: basalt <command> [options]

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
