/** A piece of TypeScript that is printed on one line if it fits, and over several if not. */
export interface Piece {
  /** `indent` counts levels. */
  print(indent: number): string
  /** Followed by a call: `.rules({ … })`. */
  followedBy(method: string, args?: readonly Piece[]): Piece
}

const width = 100

function piece(flat: () => string, broken: (indent: number) => string): Piece {
  const self: Piece = {
    print(indent) {
      const line = flat()
      return line.includes('\n') || line.length + indent * 2 > width - 20 ? broken(indent) : line
    },
    followedBy(method, args) {
      const after = args === undefined ? method : undefined
      return piece(
        () => self.print(0) + (after ?? call(method, args ?? []).print(0)),
        (indent) => self.print(indent) + (after ?? call(method, args ?? []).print(indent)),
      )
    },
  }
  return self
}

function plain(text: string): Piece {
  return piece(
    () => text,
    () => text,
  )
}

/** `name(a, b)`; a long last argument is opened in place. */
export function call(name: string, args: readonly Piece[]): Piece {
  return piece(
    () => `${name}(${args.map((arg) => arg.print(0)).join(', ')})`,
    (indent) => {
      const [only] = args
      if (args.length === 1 && only !== undefined) return `${name}(${only.print(indent)})`
      return `${name}(${lines(
        args.map((arg) => arg.print(indent + 1)),
        indent,
      )})`
    },
  )
}

export function objectOf(entries: readonly (readonly [string, Piece])[]): Piece {
  if (entries.length === 0) return plain('{}')
  const print = (indent: number): string[] =>
    entries.map(([key, value]) => `${keyText(key)}: ${value.print(indent)}`)
  return piece(
    () => `{ ${print(0).join(', ')} }`,
    (indent) => `{${lines(print(indent + 1), indent)}}`,
  )
}

/** Any JSON. */
export function literal(value: unknown): Piece {
  if (typeof value === 'string') return plain(textLiteral(value))
  if (Array.isArray(value)) return listOf(value.map(literal))
  if (typeof value === 'object' && value !== null) {
    return objectOf(Object.entries(value).map(([key, each]) => [key, literal(each)]))
  }
  return plain(JSON.stringify(value))
}

function listOf(items: readonly Piece[]): Piece {
  if (items.length === 0) return plain('[]')
  return piece(
    () => `[${items.map((item) => item.print(0)).join(', ')}]`,
    (indent) =>
      `[${lines(
        items.map((item) => item.print(indent + 1)),
        indent,
      )}]`,
  )
}

function lines(items: readonly string[], indent: number): string {
  const inner = '  '.repeat(indent + 1)
  return `\n${items.map((item) => `${inner}${item},\n`).join('')}${'  '.repeat(indent)}`
}

function keyText(key: string): string {
  // `__proto__: …` would set the prototype and no field.
  if (key === '__proto__') return `['__proto__']`
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : textLiteral(key)
}

/** Single quotes, unless there is one in the text and no double one. */
function textLiteral(text: string): string {
  const escaped = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
  if (text.includes("'") && !text.includes('"')) return `"${escaped}"`
  return `'${escaped.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}
