import { setTimeout as sleep } from 'node:timers/promises'

const patienceMs = 30_000

/** Waits until an address answers 2xx: a server may say that it has started a moment before it listens. */
export async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + patienceMs
  while (!(await answersWell(url))) {
    if (Date.now() > deadline) throw new Error(`${url} does not get ready.`)
    await sleep(10)
  }
}

function answersWell(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}
