import { type Gate, limitConcurrency } from '../platform/limit-concurrency.ts'
import { createSecretBox, type SecretBox } from '../platform/secret-box.ts'
import type { Services } from '../platform/services.ts'
import type { Project } from '../projects/project.ts'
import type { Projects } from '../projects/projects.ts'
import type { Tasks } from '../tasks/tasks.ts'
import { type CallGate, createCallGate } from './calls/limit-calls.ts'
import { createInvocations, type Invocations } from './calls/invocations.ts'
import { createVersions, type Version, type Versions } from './deployments/versions.ts'
import { createFunctionLogs, type FunctionLogs, type LogLine } from './logs/function-logs.ts'
import { createFunctionMetrics, type FunctionMetrics } from './function-metrics.ts'
import { createFunctionUsage, type FunctionUsage } from './logs/function-usage.ts'
import { mapStack } from './logs/map-stack.ts'
import { readOutput } from './logs/read-output.ts'
import { openRuntimes, type Runtimes } from './runtime/runtimes.ts'
import { type ApiDoor, serveSandbox } from './sandbox-door/serve-sandbox.ts'

/** What every behaviour of this feature works with. */
export interface Functions {
  services: Services
  projects: Projects
  tasks: Tasks
  box: SecretBox
  versions: Versions
  runtimes: Runtimes
  invocations: Invocations
  logs: FunctionLogs
  usage: FunctionUsage
  metrics: FunctionMetrics
  gateOf(project: Project): CallGate
  /** For deployments: each bundles, and starts a process. */
  deploying: Gate
  /** Writes down how a call failed, with the places of the sources. */
  logFailure(
    line: Omit<LogLine, 'level' | 'message'>,
    version: Version,
    failure: { message: string; stack?: string | undefined },
  ): Promise<void>
  close(): Promise<void>
}

const maxDeploying = 2
const maxWaitingToDeploy = 20

/** @param api where the functions' requests to their project go */
export async function createFunctions(
  services: Services,
  projects: Projects,
  tasks: Tasks,
  api: ApiDoor,
): Promise<Functions> {
  const { config, log } = services
  const box = createSecretBox(services.masterKeys, 'functions')
  const gates = new Map<string, CallGate>()
  const invocations = createInvocations()
  const logs = createFunctionLogs(services)
  const usage = createFunctionUsage(services, config.limits.functionMemoryBytes)
  const metrics = createFunctionMetrics(services.metrics.registry, () => runtimes.running)
  const versions = createVersions(services, box)
  const runtimes = await openRuntimes(config, log, {
    onRequest: (project, request, response) => serveSandbox(functions, api, project, request, response),
    onEnd: (reason) => metrics.processEnds.inc({ reason }),
    onOutput: (project, output) =>
      readOutput(output, ({ invocation: id, stack, ...line }) => {
        const invocation = invocations.find(id)
        if (invocation?.project.id !== project.id) return
        const { entry, version } = invocation
        const of = { projectId: project.id, function: entry.name, invocationId: id, deploymentId: version.id }
        if (stack === undefined) logs.write({ ...of, ...line })
        else void mapped(version, stack).then((text) => logs.write({ ...of, ...line, stack: text }))
      }),
  })

  async function mapped(version: Version, stack: string): Promise<string> {
    try {
      return mapStack(stack, await version.bundle())
    } catch {
      return stack
    }
  }

  versions.onChanged((projectId) => runtimes.forgetHangs(projectId))
  const functions: Functions = {
    services,
    projects,
    tasks,
    box,
    versions,
    runtimes,
    invocations,
    logs,
    usage,
    metrics,
    deploying: limitConcurrency(maxDeploying, maxWaitingToDeploy),
    gateOf(project) {
      const gate = gates.get(project.id) ?? createCallGate(config.limits.functionCalls)
      gates.set(project.id, gate)
      return gate
    },
    async logFailure(line, version, { message, stack }) {
      logs.write({
        ...line,
        level: 'error',
        message,
        ...(stack !== undefined && { stack: await mapped(version, stack) }),
      })
    },
    async close() {
      await runtimes.close()
      await Promise.all([logs.close(), usage.close()])
    },
  }
  return functions
}
