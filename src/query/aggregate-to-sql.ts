import { orNull } from './compare-sql.ts'
import type { Aggregate, AggregateQuery } from './parse-aggregate.ts'
import type { SqlContext } from './sql-context.ts'
import { jsonOfPath, keyOfPath, toSql } from './to-sql.ts'

/**
 * The whole statement of an aggregate. Each row has one column, `data`: an object with the group's fields by
 * their dotted paths and the values by their names. Sums and averages are made of exact decimals; `$min` and
 * `$max` are over booleans, numbers and texts in this order; null where a group has nothing to take.
 * @param table quoted and schema-qualified; `context.alias` becomes its alias
 */
export function aggregateToSql(query: AggregateQuery, table: string, context: SqlContext): string {
  const groups = query.groupBy.map((path) => orNull(jsonOfPath(path, context)))
  const names = query.groupBy.map((path) => path.join('.'))
  const entries = [
    ...groups.map((sql, index) => [names[index], sql] as const),
    ...query.select.map((aggregate) => [aggregate.name, valueOf(aggregate, context)] as const),
  ].map(([name, sql]) => `${context.params.push(name, 'text')}, ${sql}`)
  const result: SqlContext = { ...context, alias: 'result', flat: true }
  const clauses = [
    'SELECT result.data',
    `FROM (SELECT jsonb_build_object(${entries.join(', ')}) AS data`,
    `FROM ${table} AS ${context.alias}`,
    `WHERE ${toSql(query.where, context)}`,
    ...(groups.length === 0 ? [] : [`GROUP BY ${groups.join(', ')}`]),
    ') AS result',
    ...(query.having === undefined ? [] : [`WHERE ${toSql(query.having, result)}`]),
    `ORDER BY ${orderOf(query, names, result)}`,
    `LIMIT ${query.limit}`,
  ]
  return clauses.join('\n')
}

function valueOf({ function: name, path }: Aggregate, context: SqlContext): string {
  const json = path === undefined ? 'NULL::jsonb' : jsonOfPath(path, context)
  switch (name) {
    case '$count':
      return 'count(*)'
    case '$sum':
      return `basalt.finite(coalesce(sum(basalt.exact(${json})), 0))`
    case '$avg':
      return `basalt.finite(avg(basalt.exact(${json})))`
    case '$min':
      return `coalesce(to_jsonb(bool_and(basalt.truth(${json}))), to_jsonb(min(basalt.exact(${json}))), to_jsonb(min(basalt.text(${json}) COLLATE "C")))`
    case '$max':
      return `coalesce(to_jsonb(max(basalt.text(${json}) COLLATE "C")), to_jsonb(max(basalt.exact(${json}))), to_jsonb(bool_or(basalt.truth(${json}))))`
    case '$countDistinct':
      return `count(DISTINCT nullif(${json}, 'null'::jsonb))`
  }
}

/** The groups end the order, and the whole row ends it where those are lists or objects, which have no order of their own. */
function orderOf(query: AggregateQuery, groups: readonly string[], result: SqlContext): string {
  const sorted = query.sort.map(
    ({ name, isDescending }) => `${keyOfPath([name], result)} ${isDescending ? 'DESC' : 'ASC'}`,
  )
  const rest = groups.filter((name) => query.sort.every((key) => key.name !== name))
  return [...sorted, ...rest.map((name) => keyOfPath([name], result)), 'result.data'].join(', ')
}
