import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { compileSchema, type Validator } from '../../documents/collections/compile-schema.ts'
import { LookupCache } from '../../platform/lookup-cache.ts'
import type { Services } from '../../platform/services.ts'
import type { Project } from '../../projects/project.ts'
import { readSecrets, type SecretValues } from '../secrets/secrets.ts'
import type { SecretBox } from '../../platform/secret-box.ts'
import { readSubscribers, type Subscriber } from '../topics/subscribers.ts'
import type { Bundle } from './bundle-functions.ts'
import type { FunctionEntry } from './function-entry.ts'

/** One immutable set of functions. */
export interface Version {
  id: string
  hash: string
  entries: ReadonlyMap<string, FunctionEntry>
  /** Of callable functions: what goes in and comes out. */
  input: ReadonlyMap<string, Validator>
  output: ReadonlyMap<string, Validator>
  subscribers: readonly Subscriber[]
  bundle: () => Promise<Bundle>
}

/** What a project runs at the moment. */
export interface Release {
  projectId: string
  active: Version
  next: { version: Version; share: number } | null
  secrets: SecretValues
}

export interface Versions {
  /** Null: nothing is deployed. */
  of(project: Pick<Project, 'id'>): Release | null | Promise<Release | null>
  /** Tells every node. Call it after COMMIT. */
  changed(projectId: string): void
  onChanged(heard: (projectId: string) => void): void
}

const topic = 'functions'
const maxVersions = 500
// A bundle of some megabytes is read once for each process that loads it.
const maxBundles = 8

export function createVersions({ control, bus }: Services, box: SecretBox): Versions {
  const versions = new Map<string, Version>()
  const bundles = new Map<string, Promise<Bundle>>()
  const listeners: ((projectId: string) => void)[] = []
  // That nothing is deployed is known as well as what is: every write asks.
  const cache = new LookupCache<{ projectId: string; release: Release | null }>({
    maxEntries: 5_000,
    read: async (projectId) => ({ projectId, release: await readRelease(projectId) }),
  })
  bus.subscribe(topic, (changedId) => {
    cache.forget(({ projectId }) => projectId === changedId)
    listeners.forEach((heard) => heard(changedId))
  })
  bus.onReset(() => cache.clear())

  async function readRelease(projectId: string): Promise<Release | null> {
    const row = await control.functionRelease.findUnique({ where: { projectId } })
    if (row === null) return null
    const active = await versionOf(projectId, row.activeId)
    if (active === null) return null
    const next = row.nextId === null ? null : await versionOf(projectId, row.nextId)
    return {
      projectId,
      active,
      next: next === null ? null : { version: next, share: row.nextShare },
      secrets: await readSecrets(control, box, projectId),
    }
  }

  async function versionOf(projectId: string, id: string): Promise<Version | null> {
    const known = versions.get(id)
    if (known !== undefined) return known
    const row = await control.functionDeployment.findFirst({
      where: { id, projectId },
      select: { hash: true, manifest: true },
    })
    if (row === null) return null
    // Written by ourselves, from what was checked when it was deployed.
    const version = createVersion(id, row.hash, row.manifest as unknown as FunctionEntry[], () =>
      bundleOf(id),
    )
    keep(versions, id, version, maxVersions)
    return version
  }

  function bundleOf(id: string): Promise<Bundle> {
    const known = bundles.get(id)
    if (known !== undefined) return known
    const reading = control.functionDeployment
      .findUniqueOrThrow({ where: { id }, select: { bundle: true } })
      .then(({ bundle }) => unpackBundle(bundle))
    reading.catch(() => bundles.delete(id))
    keep(bundles, id, reading, maxBundles)
    return reading
  }

  return {
    of({ id }) {
      const known = cache.get(id) ?? cache.load(id)
      return known instanceof Promise ? known.then((entry) => entry?.release ?? null) : known.release
    },
    changed: (projectId) => bus.publish(topic, projectId),
    onChanged: (heard) => void listeners.push(heard),
  }
}

function createVersion(
  id: string,
  hash: string,
  entries: readonly FunctionEntry[],
  bundle: () => Promise<Bundle>,
): Version {
  const validators = (part: 'input' | 'output'): Map<string, Validator> =>
    new Map(
      entries.flatMap(({ name, settings }) => {
        const schema = settings[part]
        return schema === undefined ? [] : [[name, compileSchema(schema, part)]]
      }),
    )
  return {
    id,
    hash,
    entries: new Map(entries.map((entry) => [entry.name, entry])),
    input: validators('input'),
    output: validators('output'),
    subscribers: readSubscribers(entries),
    bundle,
  }
}

export async function packBundle(bundle: Bundle): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await promisify(gzip)(JSON.stringify(bundle)))
}

async function unpackBundle(bytes: Uint8Array): Promise<Bundle> {
  return JSON.parse((await promisify(gunzip)(bytes)).toString())
}

function keep<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  const oldest = map.size >= max ? map.keys().next() : undefined
  if (oldest?.done === false) map.delete(oldest.value)
  map.set(key, value)
}
