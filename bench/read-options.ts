import { parseArgs } from 'node:util'
import type { Options, Suite } from './suite.ts'

/**
 * Reads the command line: which of the suites, and how. Without a name it is the first one; a smoke test without a
 * name is one of all. Throws, in words for whoever typed it.
 */
export function readOptions<Name extends string>(
  args: string[],
  suites: Readonly<Record<Name, Suite>>,
): { names: readonly Name[]; optionsOf: (name: Name) => Options } {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      smoke: { type: 'boolean', default: false },
      only: { type: 'string' },
      peer: { type: 'string', multiple: true, default: [] },
      documents: { type: 'string' },
      sockets: { type: 'string' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
    },
  })
  const { smoke } = values
  const all = Object.keys(suites) as Name[]
  const byDefault = smoke ? all : all.slice(0, 1)
  const names = positionals.length === 0 ? byDefault : choices(positionals, all, 'The bench')
  const common = {
    documents: count(values.documents, 'documents') ?? (smoke ? 1000 : 100_000),
    sockets: count(values.sockets, 'sockets') ?? (smoke ? 50 : 5000),
    seconds: count(values.seconds, 'seconds') ?? (smoke ? 1 : 6),
    warmUpSeconds: smoke ? 0.2 : 2,
    rounds: count(values.rounds, 'rounds') ?? (smoke ? 1 : 3),
    smoke,
  }
  const optionsOf = (name: Name): Options => {
    const { measures, peers } = suites[name]
    return {
      ...common,
      only: values.only === undefined ? measures : choices(values.only.split(','), measures, '--only'),
      peers: choices(values.peer, peers, '--peer'),
    }
  }
  return { names, optionsOf }
}

function count(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`--${name} is a whole number from 1, not ${text}.`)
  return number
}

function choices<Choice extends string>(
  given: readonly string[],
  known: readonly Choice[],
  who: string,
): readonly Choice[] {
  const unknown = given.find((each) => !known.some((choice) => choice === each))
  if (unknown !== undefined) throw new Error(`${who} knows ${known.join(', ') || 'none'}; not ${unknown}.`)
  return known.filter((choice) => given.includes(choice))
}
