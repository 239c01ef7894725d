/** How far it is, for whoever waits: on standard error, since the report is on standard output. */
export function say(what: string): void {
  process.stderr.write(`${what}\n`)
}
