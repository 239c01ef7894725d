/** What is deployed: little more than nothing, since what is measured is the way there and back. */
export const sources = {
  add: `
    import { callable } from '@basalt/client/functions'
    import { number } from '@basalt/client'
    export default callable({
      access: 'public',
      input: { a: number(), b: number() },
      output: { sum: number() },
      handler: ({ a, b }) => ({ sum: a + b }),
    })`,
  price: `
    import { beforeCreate } from '@basalt/client/functions'
    export default beforeCreate('priced', ({ document }) => ({ ...document, price: document.amount * 3 }))`,
  // Its result is kept with the task.
  note: `
    import { afterCreate } from '@basalt/client/functions'
    export default afterCreate('noted', () => ({ startedAt: Date.now() }))`,
  work: `
    import { task } from '@basalt/client/functions'
    export default task('work', {}, () => ({ startedAt: Date.now() }))`,
} as const

/** A callable function that no process has seen before. */
export function newCallable(mark: string): string {
  return `
    import { callable } from '@basalt/client/functions'
    export default callable({ access: 'public', handler: () => ({ mark: ${JSON.stringify(mark)} }) })`
}
