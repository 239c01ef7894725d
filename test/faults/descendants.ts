import { readFile } from 'node:fs/promises'

/** The processes of this program that a process has started, or those have (Linux). */
export async function descendants(pid: number, name: string): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).trim()
  const found: number[] = []
  for (const child of children === '' ? [] : children.split(' ').map(Number)) {
    const comm = await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '')
    if (comm.trim() === name) found.push(child)
    found.push(...(await descendants(child, name)))
  }
  return found
}
