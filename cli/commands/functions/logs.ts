import { type Arguments, type Command, shared } from '../../command.ts'
import { defaultEnvironment, openTarget, requireFolder } from '../../environments.ts'
import { wrongUsage } from '../../fault.ts'
import { beforeAll, followLogs, formatLogLine, type LogLine, logPath } from '../../function-logs.ts'
import { print } from '../../terminal.ts'

const levels = ['debug', 'info', 'warn', 'error']

export const logs: Command = {
  usage: 'functions logs [name] [options]',
  summary: 'what functions wrote, or write at the moment',
  about: `Prints the last lines of a function, or of all, with the stacks of errors. --follow goes on as lines come, until
Ctrl-C. With --json each line is a JSON object.`,
  options: {
    env: shared.env.option,
    follow: { type: 'boolean', short: 'f' },
    level: { type: 'string' },
    search: { type: 'string' },
    since: { type: 'string' },
    limit: { type: 'string' },
    json: shared.json.option,
  },
  optionHelp: {
    env: shared.env.help,
    follow: 'go on as lines come',
    level: 'this level and those above it: debug, info, warn or error',
    search: 'only lines with this text',
    since: 'only lines since then: 30s, 15m, 2h, 7d, or a time such as 2026-01-31T12:00:00Z',
    limit: 'how many of the last lines (100; 500 at most)',
    json: shared.json.help,
  },
  maxPositionals: 1,
  async run(args) {
    const query = readQuery(args)
    const [name] = args.positionals
    const show = (line: LogLine): void =>
      print(args.flag('json') ? JSON.stringify(line) : formatLogLine(line))
    const folder = await requireFolder(process.cwd())
    const target = await openTarget(folder, args.text('env') ?? defaultEnvironment)
    const { logs } = await target.api.call<{ logs: LogLine[] }>('GET', logPath(target, name), { query })
    // The newest come first.
    for (const line of logs.toReversed()) show(line)
    if (!args.flag('follow')) return 0
    const from = logs[0]?.id ?? beforeAll
    for await (const line of followLogs(target, name, query, from)) show(line)
    return 0
  },
}

function readQuery(args: Arguments): Record<string, string> {
  const level = args.text('level')
  if (level !== undefined && !levels.includes(level)) {
    throw wrongUsage(`--level is ${level}, and must be one of ${levels.join(', ')}.`)
  }
  const limit = args.text('limit') ?? '100'
  if (!/^([1-9]\d?|[1-4]\d\d|500)$/.test(limit)) throw wrongUsage('--limit must be a number from 1 to 500.')
  const search = args.text('search')
  const since = args.text('since')
  return {
    limit,
    ...(level !== undefined && { level }),
    ...(search !== undefined && { search }),
    ...(since !== undefined && { since: readSince(since) }),
  }
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function readSince(text: string): string {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const time =
    unit === undefined ? Date.parse(text) : Date.now() - Number(amount) * unitMs[unit as keyof typeof unitMs]
  if (Number.isNaN(time)) throw wrongUsage(`--since is ${text}: write 15m, 2h, 7d, or a time.`)
  return new Date(time).toISOString()
}
