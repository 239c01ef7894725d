import { text } from 'node:stream/consumers'
import { runClosedLoop } from './closed-loop.ts'
import type { LoadJob } from './load-job.ts'
import { Measuring } from './measuring.ts'
import { offerLoad } from './offer-load.ts'

/**
 * A process of its own: takes a `LoadJob` on standard input, prints a `LoadResult`. Sockets, requests that were
 * built before, and nothing parsed but the ends of answers: on two processors, what the generator uses is
 * missing to the server.
 */
const job: LoadJob = JSON.parse(await text(process.stdin))
const requests = job.requests.map((request) => Buffer.from(request))
const measuring = new Measuring(job)
if (job.perSecond === undefined) await runClosedLoop(job, requests, measuring)
else await offerLoad(job.perSecond, job, requests, measuring)
console.log(JSON.stringify(measuring.summarize()))
