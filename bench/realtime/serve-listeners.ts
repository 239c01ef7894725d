import { Listeners } from './listeners.ts'

/**
 * A process of its own: does with its listeners what the bench says by message, and says what came of it. Five
 * thousand sockets are too much beside anything that keeps time.
 */
export interface Request {
  id: number
  method: keyof Listeners
  args: readonly unknown[]
}

export type Answer = { id: number } & ({ result: unknown } | { failure: string })

const listeners = new Listeners()

process.on('message', (request: Request) => void answer(request))
process.once('disconnect', () => process.exit())

async function answer({ id, method, args }: Request): Promise<void> {
  try {
    const result: unknown = await Reflect.apply(listeners[method], listeners, args)
    process.send?.({ id, result } satisfies Answer)
  } catch (error) {
    process.send?.({ id, failure: String(error) } satisfies Answer)
  }
}
