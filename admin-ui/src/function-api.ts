import { api } from './api.ts'
import type { Place } from './project-frame.ts'

/** What a function says of itself; which of it there is depends on its kind. */
export interface FunctionInfo {
  name: string
  kind: string
  file: string
  /** Milliseconds. */
  timeout?: number
  outbound?: string[]
  scopes?: string[]
  access?: 'public' | 'user' | 'server'
  input?: object
  route?: string
  collection?: string
  bucket?: string
  cron?: string
  timezone?: string
  task?: string
  topic?: string
  maxAttempts?: number
  /** How many of a task's run at once. */
  concurrency?: number
  /** Of the files that it consists of; null in old versions. */
  hash: string | null
  /** Of a function that keeps hanging on the node that answered. */
  pausedUntil: string | null
}

export interface ShownFunctions {
  deploymentId: string | null
  next: { deploymentId: string; share: number } | null
  functions: FunctionInfo[]
}

export interface Usage {
  name: string
  calls: number
  errors: number
  coldStarts: number
  outboundRequests: number
  averageMilliseconds: number
  maxMilliseconds: number
  maxMemoryBytes: number
  gigabyteSeconds: number
}

export interface Deployment {
  id: string
  hash: string
  message: string
  sizeBytes: number
  createdAt: string
  createdBy: string
  /** Of the calls; 0 to 1. */
  share: number
  functions: { name: string; kind: string }[]
}

export function readFunctions(place: Place): Promise<ShownFunctions> {
  return api('GET', `${place.api}/functions`)
}

/** Of the last 24 hours. */
export function readUsage(place: Place): Promise<{ gigabyteSeconds: number; functions: Usage[] }> {
  return api('GET', `${place.api}/functions/usage`)
}

/** The newest first. */
export async function readDeployments(place: Place): Promise<Deployment[]> {
  const { deployments } = await api<{ deployments: Deployment[] }>(
    'GET',
    `${place.api}/functions/deployments`,
  )
  return deployments
}

/** What a version is called: its message, or the beginning of its hash. */
export function labelOf({ message, hash }: Pick<Deployment, 'message' | 'hash'>): string {
  return message === '' ? hash.slice(0, 8) : message
}
