import type { Command } from '../command.ts'
import { wrongUsage } from '../fault.ts'

/** For `--help` and faults only: basalt.js runs the server itself, in its own process. */
export const start: Command = {
  usage: 'start',
  summary: 'run the server',
  about: `Runs the server in the foreground until SIGTERM or Ctrl-C. It is configured by environment variables:
BASALT_PORT, BASALT_DATA_DIR, DATABASE_URL and others, which docs/operations.md lists.`,
  options: {},
  optionHelp: {},
  maxPositionals: 0,
  run: async () => {
    throw wrongUsage('start takes nothing but environment variables.')
  },
}
