import type { Transport } from '../transport.ts'
import type { Callable, InputOf, OutputOf } from './definition.ts'

/** Calls the project's own functions. */
export interface FunctionsClient {
  /**
   * Calls a function, with its types if it is named.
   *
   * @example
   * import type add from '../functions/add.ts'
   * const { sum } = await basalt.functions.call<typeof add>('add', { a: 1, b: 2 })
   */
  call<F extends Callable<unknown, unknown> = Callable<unknown, unknown>>(
    name: string,
    ...rest: unknown extends InputOf<F>
      ? [input?: unknown, options?: CallOptions]
      : [input: InputOf<F>, options?: CallOptions]
  ): Promise<OutputOf<F>>
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

export function createFunctionsClient(transport: Transport): FunctionsClient {
  return {
    async call<F>(name: string, input?: unknown, options: CallOptions = {}): Promise<OutputOf<F>> {
      // What a function does is not known: it is called again only if it certainly did not begin.
      const { output } = await transport.json<{ output: OutputOf<F> }>({
        method: 'POST',
        path: `/functions/${encodeURIComponent(name)}`,
        body: { input: input ?? null },
        once: true,
        signal: options.signal,
      })
      return output
    },
  }
}
