import { parseArgs } from 'node:util'
import { type Path, paths } from './paths.ts'

const peers = ['parse', 'pocketbase'] as const

export type PeerName = (typeof peers)[number]

export interface Options {
  /** In the collection before anything is measured. */
  documents: number
  /** Of each measure. */
  seconds: number
  warmUpSeconds: number
  /** Each path is measured so often, in turn with what stands beside it; the median counts. */
  rounds: number
  only: readonly Path[]
  peers: readonly PeerName[]
  /** Whether everything works, rather than how fast it is. */
  smoke: boolean
}

/** Reads the command line. Throws, in words for whoever typed it. */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      smoke: { type: 'boolean', default: false },
      only: { type: 'string' },
      peer: { type: 'string', multiple: true, default: [] },
      documents: { type: 'string' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
    },
  })
  const { smoke } = values
  return {
    documents: count(values.documents, 'documents') ?? (smoke ? 1000 : 100_000),
    seconds: count(values.seconds, 'seconds') ?? (smoke ? 1 : 6),
    warmUpSeconds: smoke ? 0.2 : 2,
    rounds: count(values.rounds, 'rounds') ?? (smoke ? 1 : 3),
    only: values.only === undefined ? paths : choices(values.only.split(','), paths, 'only'),
    peers: choices(values.peer, peers, 'peer'),
    smoke,
  }
}

function count(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`--${name} is a whole number from 1, not ${text}.`)
  return number
}

function choices<Choice extends string>(
  given: string[],
  known: readonly Choice[],
  name: string,
): readonly Choice[] {
  const unknown = given.find((each) => !known.some((choice) => choice === each))
  if (unknown !== undefined) throw new Error(`--${name} knows ${known.join(', ')}; not ${unknown}.`)
  return known.filter((choice) => given.includes(choice))
}
