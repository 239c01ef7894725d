import { verify } from '@node-rs/argon2'
import { availableParallelism } from 'node:os'
import { text } from 'node:stream/consumers'
import { Measuring } from '../load/measuring.ts'
import type { Argon2Job } from './run-argon2.ts'

const { password, passwordHash, ...times }: Argon2Job = JSON.parse(await text(process.stdin))
const measuring = new Measuring(times)
await Promise.all(Array.from({ length: availableParallelism() }, loop))
console.log(JSON.stringify(measuring.summarize()))

async function loop(): Promise<void> {
  for (let now = performance.now(); now < measuring.end;) {
    const begunAt = now
    if (!(await verify(passwordHash, password))) throw new Error('the password does not fit')
    now = performance.now()
    measuring.note(begunAt, now, 200, Buffer.alloc(0))
  }
}
