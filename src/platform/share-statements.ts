import { batchByKey } from './batch-by-key.ts'
import type { Database, Queryable } from './database.ts'
import { statementName } from './prepared-statements.ts'

/** A statement whose parameters know their types, so that it can run for several sets of them at once. */
export interface TypedStatement {
  text: string
  values: readonly unknown[]
  types: readonly (string | undefined)[]
}

export interface StatementRunner {
  /** Rows as arrays. */
  run<Row extends unknown[]>(statement: TypedStatement): Promise<Row[]>
}

interface Waiting {
  statement: TypedStatement
  resolve: (rows: unknown[][]) => void
  reject: (reason: unknown) => void
}

const maxBatch = 16

/** Runs each statement for itself, on the given connection. */
export function runAlone(db: Queryable): StatementRunner {
  return {
    async run<Row extends unknown[]>({ text, values }: TypedStatement) {
      const { rows } = await db.query<Row>({
        ...statementName(text),
        text,
        values: [...values],
        rowMode: 'array',
      })
      return rows
    },
  }
}

/**
 * Runs statements of the same text that arrive together as one, a LATERAL join over their sets of parameters: most of
 * what a short query costs is the round trip. If the joint statement fails, each runs for itself and has its own fate.
 */
export function shareStatements(db: Database): StatementRunner {
  const alone = runAlone(db)
  const add = batchByKey<Waiting>(maxBatch, (_text, batch) => runBatch(batch))

  async function runBatch(batch: Waiting[]): Promise<void> {
    if (batch.length > 1) {
      try {
        const answers = await runTogether(
          db,
          batch.map(({ statement }) => statement),
        )
        batch.forEach(({ resolve }, at) => resolve(answers[at] ?? []))
        return
      } catch {
        // Told by the runs below, which also find out whose fault it was.
      }
    }
    await Promise.all(
      batch.map(({ statement, resolve, reject }) => alone.run(statement).then(resolve, reject)),
    )
  }

  return {
    run<Row extends unknown[]>(statement: TypedStatement) {
      if (!statement.types.every(isShareable)) return alone.run<Row>(statement)
      return new Promise<Row[]>((resolve, reject) => {
        // Rows are what the statement selects; the type parameter is its caller's word for them.
        add(statement.text, { statement, resolve: (rows) => resolve(rows as Row[]), reject })
      })
    },
  }
}

/** Arrays of arrays lose their borders in unnest; types that PostgreSQL guesses can't be guessed of a column. */
function isShareable(type: string | undefined): boolean {
  return type !== undefined && !type.endsWith('[]')
}

async function runTogether(db: Database, statements: TypedStatement[]): Promise<unknown[][][]> {
  const [first] = statements
  if (first === undefined) return []
  const columns = first.types.map((_, at) => `p${at + 1}`)
  const text = `
    SELECT parameters.n, answer.*
    FROM unnest(${first.types.map((type, at) => `$${at + 1}::${type}[]`).join(', ')})
      WITH ORDINALITY AS parameters (${[...columns, 'n'].join(', ')})
    CROSS JOIN LATERAL (${first.text.replaceAll(/\$(\d+)/g, 'parameters.p$1')}) AS answer`
  const values = columns.map((_, at) => statements.map((statement) => statement.values[at]))
  const { rows } = await db.query<[n: string, ...unknown[]]>({
    ...statementName(text),
    text,
    values,
    rowMode: 'array',
  })
  const answers: unknown[][][] = statements.map(() => [])
  for (const [n, ...row] of rows) answers[Number(n) - 1]?.push(row)
  return answers
}
