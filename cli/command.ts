import type { ParseArgsOptionsConfig } from 'node:util'

/** What a command gets of its line. */
export interface Arguments {
  positionals: string[]
  text(name: string): string | undefined
  texts(name: string): string[]
  flag(name: string): boolean
}

/** One command of `basalt`. Others slot in by a line in main.ts. */
export interface Command {
  /** After `basalt `: `deploy [options]`. */
  usage: string
  summary: string
  /** What `--help` tells beside the options. */
  about: string
  options: ParseArgsOptionsConfig
  /** Of each option, in the order in which they are shown. */
  optionHelp: Record<string, string>
  /** What an option means that is given without a value: `--inspect`. */
  impliedValues?: Record<string, string>
  maxPositionals: number
  /** Resolves to the exit code. */
  run(args: Arguments): Promise<number>
}

/** Options that several commands have. */
export const shared = {
  env: { option: { type: 'string', short: 'e' }, help: 'the environment in basalt.json (dev)' },
  json: { option: { type: 'boolean' }, help: 'print JSON, for scripts' },
  yes: { option: { type: 'boolean', short: 'y' }, help: 'do not ask' },
} as const
