import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** What belongs to the functions of one project: workerd, and the programs that confine it. */
export interface FunctionProcess {
  /** The leader of their group. */
  leader: number
  pids: number[]
}

const patienceMs = 10_000

/** The processes in which a server runs functions. Linux only. */
export async function findFunctionProcesses(serverPid: number): Promise<FunctionProcess[]> {
  const all = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(readStat))
  const there = all.filter((one) => one !== undefined)
  return there
    .filter(({ pid, group, parent }) => pid === group && parent === serverPid)
    .map(({ pid }) => there.filter(({ group }) => group === pid))
    .filter((members) => members.some(({ name }) => name === 'workerd'))
    .map((members) => ({ leader: members[0]?.group ?? 0, pids: members.map(({ pid }) => pid) }))
}

/** Ends them all, as it would be if each had crashed. Linux only, elsewhere they stay. */
export async function endFunctionProcesses(serverPid: number): Promise<void> {
  if (process.platform !== 'linux') return
  for (const { leader } of await findFunctionProcesses(serverPid)) process.kill(-leader, 'SIGKILL')
  const deadline = Date.now() + patienceMs
  while ((await findFunctionProcesses(serverPid)).length > 0) {
    if (Date.now() > deadline) throw new Error('Processes of functions do not end.')
    await sleep(20)
  }
  // The server hears of it a moment later.
  await sleep(200)
}

/** In MB: a page that several processes share counts for each as its share. */
export async function proportionalMegabytes({ pids }: FunctionProcess): Promise<number> {
  const parts = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
      return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0)
    }),
  )
  return parts.reduce((sum, part) => sum + part, 0) / 1000
}

async function readStat(
  name: string,
): Promise<{ pid: number; name: string; parent: number; group: number } | undefined> {
  const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return undefined
  const end = stat.lastIndexOf(')')
  const [, parent, group] = stat.slice(end + 2).split(' ')
  return {
    pid: Number(name),
    name: stat.slice(stat.indexOf('(') + 1, end),
    parent: Number(parent),
    group: Number(group),
  }
}
