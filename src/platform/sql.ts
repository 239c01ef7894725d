/**
 * The one quoting function for names (invariant 4 of the design). Callers have validated the name against
 * a strict pattern already; quoting is the second line, not the first.
 */
export function quoteName(name: string): string {
  if (name.length === 0 || Buffer.byteLength(name) > 63 || name.includes('\0')) {
    throw new Error(`not a name that PostgreSQL can hold: ${JSON.stringify(name)}`)
  }
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * A field name as a literal, for the few places where PostgreSQL must see it to match an expression index.
 * Takes only what `isPlainFieldName` in `src/query/` lets through; every value is a bound parameter instead.
 */
export function quoteFieldName(name: string): string {
  if (!/^[A-Za-z0-9_]{1,64}$/.test(name)) throw new Error(`not a plain field name: ${JSON.stringify(name)}`)
  return `'${name}'`
}

/**
 * An id of the control plane as a literal, where it is part of what a name stands for. Takes only UUIDs, which the
 * server makes itself.
 */
export function quoteId(id: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
    throw new Error(`not an id: ${JSON.stringify(id)}`)
  return `'${id}'`
}
