import type { Config } from './config.ts'
import type { FirstStart } from './first-start.ts'
import type { RunningServer } from './start-server.ts'

/** What whoever started the server wants to know. */
export function describeStart({ address, database }: RunningServer, config: Config): string {
  const lines = [`Basalt serves at ${address}`, `  data     ${database}`, `  API      ${address}/docs`]
  if (!config.rateLimits) {
    lines.push('', 'WARNING: BASALT_RATE_LIMITS=off. Requests are not limited: this is for load tests only.')
  }
  return lines.join('\n')
}

/** What to do next, as long as nobody has set the server up. */
export function describeFirstStart({ setupLink, project }: FirstStart, { publicUrl }: Config): string {
  const lines: string[] = []
  if (setupLink !== null) lines.push('', 'Set up the first operator (the link works once):', `  ${setupLink}`)
  if (project !== null)
    lines.push(
      '',
      'Try it: save this as hello.mjs and run it with `npx node hello.mjs`',
      '',
      snippet(project, publicUrl),
    )
  return lines.join('\n')
}

function snippet({ ref, publishableKey }: NonNullable<FirstStart['project']>, url: string): string {
  return `  import { createClient } from '@basalt/client'

  const basalt = createClient({
    url: '${url}',
    project: '${ref}',
    key: '${publishableKey}',
  })
  await basalt.collection('notes').create({ text: 'Hello from Basalt' })
  console.log(await basalt.collection('notes').orderBy('-createdAt').limit(5).find())
`
}
