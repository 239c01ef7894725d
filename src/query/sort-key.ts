import type { Json } from './json.ts'

/**
 * Text whose order by code point is the order of JSON values in every sort, index and comparison:
 * null and missing, false, true, numbers, strings, then all arrays alike, then all objects alike.
 * The same as `basalt.key` in SQL. `' '`, `b0`, `b1`, `m…`/`n…` for numbers, `s…`, `y`, `z`.
 */
export function sortKey(value: Json): string {
  switch (typeof value) {
    case 'string':
      return `s${value}`
    case 'number':
      return numberKey(value)
    case 'boolean':
      return value ? 'b1' : 'b0'
    default:
      if (value === null) return ' '
      return Array.isArray(value) ? 'y' : 'z'
  }
}

const float = new DataView(new ArrayBuffer(8))

// The bits of a non-negative float64 grow with its value; those of a negative one shrink, so they are inverted.
function numberKey(value: number): string {
  float.setFloat64(0, value === 0 ? 0 : value)
  const bits = float.getBigUint64(0)
  return value < 0 ? `m${hex(bits ^ 0xffff_ffff_ffff_ffffn)}` : `n${hex(bits)}`
}

function hex(bits: bigint): string {
  return bits.toString(16).padStart(16, '0')
}

/**
 * The least string above every string that starts with the prefix, or undefined when there is none.
 * With it a prefix becomes a range that an index serves.
 */
export function textAfterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  while (points.at(-1) === 0x10ffff) points.pop()
  const last = points.pop()
  if (last === undefined) return undefined
  points.push(last === 0xd7ff ? 0xe000 : last + 1)
  return String.fromCodePoint(...points)
}
