import { invalidValue } from '../../platform/errors.ts'
import { parseFieldPath } from '../../query/field-path.ts'

/** Relations to follow, each with those to follow from there: `author,author.team` is `{author: {team: {}}}`. */
export type IncludeTree = Map<string, IncludeTree>

const maxDepth = 3
const maxPaths = 20

/** Reads `include=author,author.team`. */
export function parseInclude(include: string | readonly string[] | undefined): IncludeTree {
  const tree: IncludeTree = new Map()
  if (include === undefined || include.length === 0) return tree
  const texts = typeof include === 'string' ? include.split(',') : include
  if (texts.length > maxPaths)
    throw invalidValue('include', `holds more than ${maxPaths} relations`, 'too_many')
  texts.forEach((text, at) => {
    const steps = parseFieldPath(text.trim(), `include[${at}]`)
    if (steps.length > maxDepth)
      throw invalidValue(`include[${at}]`, `is deeper than ${maxDepth} relations`, 'too_deep')
    let node = tree
    for (const step of steps) {
      let next = node.get(step)
      if (next === undefined) node.set(step, (next = new Map()))
      node = next
    }
  })
  return tree
}
