import { join } from 'node:path'
import { isRecord, readJson, writePrivateJson } from './private-file.ts'

/** What `basalt dev` knows of the server that it runs for a folder. Tests of the folder read it too. */
export interface DevState {
  url: string
  project: string
  publishableKey?: string | undefined
  /** Only of a project that `basalt dev` has made. */
  secretKey?: string | undefined
  /** Of the operator that the server was started with. */
  email: string
  password: string
  token?: string | undefined
}

/** Beside the data, which the folder's `.gitignore` names. */
export function devStatePath(folder: string): string {
  return join(folder, '.basalt', 'dev.json')
}

export async function readDevState(folder: string): Promise<DevState | undefined> {
  const state = await readJson(devStatePath(folder))
  if (!isRecord(state) || typeof state['url'] !== 'string') return undefined
  // Nobody writes it but `saveDevState`.
  return state as unknown as DevState
}

export async function saveDevState(folder: string, state: DevState): Promise<void> {
  await writePrivateJson(devStatePath(folder), state)
}
