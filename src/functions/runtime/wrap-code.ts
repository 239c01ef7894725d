import { build } from 'esbuild'
import type { FunctionCode } from './function-code.ts'
import { clientModule } from '../deployments/client-modules.ts'

let runtime: Promise<string> | undefined

/** What stands round each function inside its isolate, with the client that it calls back with. Made once. */
function loadWrapper(): Promise<string> {
  runtime ??= build({
    entryPoints: [clientModule('@basalt/client/functions/runtime', undefined)],
    bundle: true,
    minify: true,
    // Stacks that go through it keep names that mean something.
    keepNames: false,
    format: 'esm',
    target: 'esnext',
    platform: 'neutral',
    write: false,
    logLevel: 'silent',
  }).then(({ outputFiles: [file] }) => file?.text ?? '')
  runtime.catch(() => (runtime = undefined))
  return runtime
}

/** The modules of an isolate: those of the function, and the main one that serves it. */
export async function wrapCode(
  modules: FunctionCode['modules'],
  main: string,
  env: FunctionCode['env'],
): Promise<FunctionCode> {
  const entry = `
    import { AsyncLocalStorage } from 'node:async_hooks'
    import { serveFunction } from './basalt-runtime.js'
    export default serveFunction(new AsyncLocalStorage(), () => import(${JSON.stringify(`./${main}`)}))
  `
  return { modules: { ...modules, 'basalt-runtime.js': await loadWrapper(), 'basalt-main.js': entry }, env }
}
