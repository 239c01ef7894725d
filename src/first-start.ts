import type { App } from './app.ts'
import { completeDefinition } from './documents/collections/collection-definition.ts'
import { defineCollection } from './documents/collections/define-collection.ts'
import type { Services } from './platform/services.ts'
import { ensureFirstProject, type FirstProject } from './projects/ensure-first-project.ts'
import { ensureFirstOperator } from './projects/operators/ensure-first-operator.ts'

export interface FirstStart {
  /** The one-time link at which a person becomes the first operator. Null when there is one. */
  setupLink: string | null
  /** The project that was made just now. */
  project: FirstProject | null
}

/** On a fresh installation: a way to sign in, and a project whose first line of code works. */
export async function prepareFirstStart(services: Services, app: App): Promise<FirstStart> {
  const setupLink = await ensureFirstOperator(services)
  const project = await ensureFirstProject(services, app.projects)
  if (project !== null) await defineNotes(app, project.ref)
  return { setupLink, project }
}

/** A collection to try things with, open to anyone with the publishable key. */
async function defineNotes({ projects, documents }: App, ref: string): Promise<void> {
  const project = await projects.byRef(ref)
  if (project === null) return
  const definition = completeDefinition({
    rules: { read: 'true', list: 'true', create: 'true' },
    indexes: [{ fields: ['-createdAt'] }],
  })
  await defineCollection(documents, project, 'notes', definition, {
    dryRun: false,
    actor: { kind: 'operator', operatorId: 'first-start', role: 'owner' },
    request: { id: 'first-start', ip: '127.0.0.1' },
  })
}
