import type { InjectOptions } from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'
import Type from 'typebox'
import { expect } from 'vitest'
import { type Config, readConfig } from '../../src/config.ts'
import { openBus } from '../../src/platform/bus.ts'
import { createHttpServer } from '../../src/platform/http-server.ts'
import { createLogger } from '../../src/platform/logging.ts'
import { createMetrics } from '../../src/platform/metrics.ts'
import { openNodes } from '../../src/platform/nodes.ts'
import { openControlPlane } from '../../src/platform/prisma.ts'
import type { Services } from '../../src/platform/services.ts'
import { projectRequest } from '../../src/projects/access.ts'
import { registerAccess } from '../../src/projects/check-access.ts'
import { ensureFirstOperator } from '../../src/projects/operators/ensure-first-operator.ts'
import { createProjects, type Projects } from '../../src/projects/projects.ts'
import { registerProjects } from '../../src/projects/routes.ts'
import type { TestDatabase } from '../support/database.ts'

export interface Answer {
  status: number
  headers: Record<string, string | string[] | number | undefined>
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  body: any
}

interface Call {
  /** A bearer token. */
  as?: string
  key?: string
  body?: object | string
  headers?: Record<string, string>
  from?: string
  /** A 503 is the answer to look at. */
  keep503?: boolean
}

/** One server process without documents: just what src/projects/ offers, and a route to knock at. */
export interface Node {
  services: Services
  projects: Projects
  call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'OPTIONS', url: string, call?: Call): Promise<Answer>
  stop(): Promise<void>
}

const password = 'correct horse battery'

export async function startNode(database: TestDatabase, env: NodeJS.ProcessEnv = {}): Promise<Node> {
  const config = readConfig({
    BASALT_LOG_LEVEL: 'silent',
    BASALT_RATE_LIMITS: 'off',
    BASALT_LIMIT_EVENT_LOOP_DELAY_MS: '60000',
    ...env,
  })
  const services = await openServices(database, config)
  const projects = createProjects(services)
  const app = await createHttpServer(config, services.log, services.metrics)
  registerAccess(app, services, projects)
  registerProjects(app, services, projects)
  app.get(
    '/v1/projects/:ref/probe',
    {
      config: { access: { door: 'project', scope: 'documents:read', clients: true } },
      schema: { params: Type.Object({ ref: Type.String() }) },
    },
    async (request) => projectRequest(request).actor,
  )
  await app.ready()
  return {
    services,
    projects,
    async call(method, url, { as, key, body, headers, from, keep503 } = {}) {
      const options: InjectOptions = {
        method,
        url,
        headers: {
          ...(as !== undefined && { authorization: `Bearer ${as}` }),
          ...(key !== undefined && { 'x-api-key': key }),
          ...headers,
        },
        ...(body !== undefined && { payload: body }),
        ...(from !== undefined && { remoteAddress: from }),
      }
      let answer = await app.inject(options)
      // Starting the next node of a test blocks this one, which then sheds load for a moment.
      while (answer.statusCode === 503 && keep503 !== true) {
        answer = await sleep(100).then(() => app.inject(options))
      }
      const isJson = String(answer.headers['content-type']).includes('json')
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: isJson ? answer.json() : answer.body,
      }
    },
    async stop() {
      await app.close()
      await services.nodes.close()
      await services.bus.close()
      await services.control.$disconnect()
    },
  }
}

async function openServices(database: TestDatabase, config: Config): Promise<Services> {
  const log = createLogger('silent')
  const db = database.pool
  const bus = await openBus(db, { connectionString: database.url }, log)
  return {
    config,
    log,
    db,
    backgroundDb: db,
    control: openControlPlane(db),
    bus,
    nodes: await openNodes(db, bus, log),
    metrics: createMetrics(),
    masterKeys: { current: Buffer.alloc(32, 1), previous: undefined },
  }
}

/** Sets up the first operator; answers their token. */
export async function setUpFirstOperator(node: Node, email = 'ada@example.com'): Promise<string> {
  const link = await ensureFirstOperator(node.services)
  const token = link?.split('#token=')[1]
  const answer = await node.call('POST', '/v1/operators/setup', { body: { token, email, password } })
  expect(answer.status).toBe(201)
  return answer.body.token
}

/** Invites somebody to an organization and lets them accept; answers their token and id. */
export async function invite(
  node: Node,
  by: string,
  organizationId: string,
  email: string,
  role: string,
): Promise<{ token: string; id: string }> {
  const invited = await node.call('POST', `/v1/organizations/${organizationId}/members`, {
    as: by,
    body: { email, role },
  })
  expect(invited.status).toBe(201)
  const accepted = await node.call('POST', '/v1/operators/invitations/accept', {
    body: { token: invited.body.link.split('#token=')[1], name: email, password },
  })
  expect(accepted.status).toBe(201)
  return { token: accepted.body.token, id: accepted.body.operator.id }
}

export async function createOrganization(node: Node, by: string, name = 'Acme'): Promise<string> {
  const answer = await node.call('POST', '/v1/organizations', { as: by, body: { name } })
  expect(answer.status).toBe(201)
  return answer.body.id
}

export interface TestProject {
  ref: string
  publishable: string
  secret: string
}

export async function createProject(node: Node, by: string, organizationId: string): Promise<TestProject> {
  const answer = await node.call('POST', '/v1/projects', { as: by, body: { name: 'Shop', organizationId } })
  expect(answer.status).toBe(201)
  return { ref: answer.body.project.ref, ...answer.body.keys }
}

export async function createKey(node: Node, by: string, ref: string, body: object): Promise<Answer['body']> {
  const answer = await node.call('POST', `/v1/projects/${ref}/keys`, { as: by, body })
  expect(answer.status).toBe(201)
  return answer.body
}

/** A problem without what differs from request to request. */
export function withoutId({ status, body }: Answer): object {
  return { status, body: { ...body, requestId: '' } }
}

/** The statuses of parallel calls, in ascending order. */
export function statusesOf(answers: Answer[]): number[] {
  return answers.map((answer) => answer.status).toSorted((a, b) => a - b)
}
