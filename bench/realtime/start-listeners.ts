import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Listeners } from './listeners.ts'
import type { Answer, Request } from './serve-listeners.ts'

/** The same methods, each with a promise. */
type Remote<T> = {
  [Name in keyof T]: T[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never
}

export interface ListenerProcess {
  readonly listeners: Remote<Listeners>
  stop: () => Promise<void>
}

const script = fileURLToPath(new URL('serve-listeners.ts', import.meta.url))

/** Starts a process of listeners, none of which has a socket yet. Its methods reject when it ends. */
export function startListeners(): ListenerProcess {
  const child = fork(script, { execArgv: ['--max-old-space-size=4096'] })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let asked = 0
  child.on('message', (answer: Answer) => {
    const asker = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('failure' in answer) asker?.reject(new Error(answer.failure))
    else asker?.resolve(answer.result)
  })
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('The listeners are gone.'))
  })
  const ask = (method: Request['method'], args: readonly unknown[]): Promise<unknown> => {
    const id = asked++
    const asker = Promise.withResolvers<unknown>()
    waiting.set(id, asker)
    child.send({ id, method, args } satisfies Request)
    return asker.promise
  }
  const listeners = new Proxy({} as Remote<Listeners>, {
    get:
      (_target, name) =>
      (...args: readonly unknown[]) =>
        ask(name as Request['method'], args),
  })
  return {
    listeners,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}
