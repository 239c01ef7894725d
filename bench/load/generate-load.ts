import { text } from 'node:stream/consumers'
import { runClosedLoop } from './closed-loop.ts'
import type { Turns } from './load-job.ts'
import { Measuring } from './measuring.ts'
import { offerLoad } from './offer-load.ts'

/**
 * A process of its own: takes `Turns` on standard input, prints a `LoadResult` for each kind of requests. Sockets,
 * requests that were built before, and nothing parsed but the ends of answers: on two processors, what the generator
 * uses is missing to the server.
 */
const { kinds, ...job }: Turns = JSON.parse(await text(process.stdin))
const turns = kinds.map((requests) => ({
  requests: requests.map((request) => Buffer.from(request)),
  measuring: new Measuring({ ...job, share: 1 / kinds.length }),
}))
if (job.perSecond === undefined) await runClosedLoop(job, turns)
else await offerLoad(job.perSecond, job, turns)
console.log(JSON.stringify(turns.map(({ measuring }) => measuring.summarize())))
