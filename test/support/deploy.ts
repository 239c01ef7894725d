import type { CallResult, TestProject } from './server.ts'

/** Deploys functions by name: `{ add: 'export default callable(…)' }`, with the makers imported already. */
export async function deploy(project: TestProject, functions: Record<string, string>): Promise<CallResult> {
  const result = await tryDeploy(project, functions)
  if (result.status !== 201) throw new Error(JSON.stringify(result.body))
  return result
}

export function tryDeploy(
  project: TestProject,
  functions: Record<string, string>,
  more: Record<string, unknown> = {},
): Promise<CallResult> {
  const files = Object.fromEntries(
    Object.entries(functions).map(([name, code]) => [`functions/${name}.ts`, imports(code) + code]),
  )
  return project.call('POST', '/functions/deployments', { body: { files, ...more } })
}

/** On one line, so that the lines of the code stay what they are. */
function imports(code: string): string {
  const makers = [
    'callable',
    'http',
    'reject',
    'beforeSignUp',
    'beforeSignIn',
    'customClaims',
    'afterSignUp',
    'afterSignIn',
    'task',
    'schedule',
    'beforeCreate',
    'beforeUpdate',
    'beforeDelete',
    'afterCreate',
    'afterUpdate',
    'afterDelete',
    'afterWrite',
    'beforeUpload',
    'afterUpload',
    'subscriber',
  ]
  const fields = ['number', 'string', 'object', 'json']
  const used = (names: string[]): string =>
    names.filter((name) => new RegExp(`\\b${name}\\(`).test(code)).join(', ')
  return `import { ${used(makers)} } from '@basalt/client/functions'; import { ${used(fields)} } from '@basalt/client'; `
}

/** Calls a function as a server. */
export async function callFunction(
  project: TestProject,
  name: string,
  input: unknown = {},
): Promise<CallResult> {
  return project.call('POST', `/functions/${name}`, { body: { input } })
}
