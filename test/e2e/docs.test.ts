import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { compileCollection } from '../../src/documents/collections/collection.ts'
import {
  CollectionDefinition,
  completeDefinition,
} from '../../src/documents/collections/collection-definition.ts'
import { ExplainBody, QueryBody, TransactionBody } from '../../src/documents/schemas.ts'
import { settingsPatchSchema } from '../../src/projects/project-settings.ts'
import { parseAggregate } from '../../src/query/parse-aggregate.ts'
import { parseFilter } from '../../src/query/parse-filter.ts'
import { parseRule } from '../../src/query/parse-rule.ts'
import { scheduleBody } from '../../src/tasks/schedules/schedule.ts'
import { newTaskBody, queueBody } from '../../src/tasks/schemas.ts'
import { orderOf } from '../../src/query/parse-sort.ts'

// What the documentation shows is what the server takes.

const rules = await page('rules.md')

test.each(fences(rules, 'cel').flatMap((text) => text.split('\n')))('the rule %s', (source) => {
  expect(() => parseRule(source, { path: 'rule' })).not.toThrow()
})

test('the fault of a rule is told as shown', () => {
  const [shown] = /1:17: [^`]+/.exec(rules) ?? []
  expect(() => parseRule('auth != null && owner == auth.uid', { path: 'rules.read' })).toThrow(shown)
})

test('the declarations', async () => {
  const shown = [jsonOf(rules)[0], jsonOf(await page('collections.md'))[0]]
  for (const declaration of shown) {
    const definition = Value.Parse(CollectionDefinition, declaration)
    expect(compileCollection({ id: 'p', ref: 'p' }, 'posts', completeDefinition(definition))).toMatchObject({
      name: 'posts',
    })
  }
})

test('the transaction and the question to explain', async () => {
  expect(Value.Check(TransactionBody, jsonOf(await page('collections.md'))[1])).toBe(true)
  expect(Value.Check(ExplainBody, jsonOf(rules)[1])).toBe(true)
})

test('the queries and aggregates', async () => {
  const shown = jsonOf(await page('queries.md'))
  expect(shown.length).toBeGreaterThan(4)
  for (const query of shown) {
    if (Object.hasOwn(Object(query), 'groupBy')) expect(parseAggregate(query).groupBy).not.toEqual([])
    else {
      const { where, sort } = Value.Parse(QueryBody, query)
      expect(orderOf(parseFilter(where), sort)).not.toEqual([])
    }
  }
})

test('the task, the queue and the schedule', async () => {
  const shown = jsonOf(await page('tasks.md'))
  const schemas = [newTaskBody, queueBody, scheduleBody]
  expect(schemas.map((schema, at) => Value.Check(schema, shown[at]))).toEqual([true, true, true])
})

test('the variables, their defaults, and the settings of a project', async () => {
  const operations = await page('operations.md')
  const names = [...operations.matchAll(/BASALT_[A-Z_]+[A-Z]/g)].map(([name]) => name)
  // An unknown one is a fault, and so is a wrong value; here only the names count.
  for (const name of new Set(names)) {
    expect(faultsOf({ [name]: ' \u0000' })).not.toContain('not a known variable')
  }
  const source = await readFile(fileURLToPath(new URL('../../src/config.ts', import.meta.url)), 'utf8')
  const read = [...source.matchAll(/'(BASALT_[A-Z_]+[A-Z])'|\blimit\('([A-Z_]+)'/g)]
  expect(read.length).toBeGreaterThan(20)
  for (const [, name, limit] of read) expect(names).toContain(name ?? `BASALT_LIMIT_${limit}`)
  expect(readConfig({})).toMatchObject({ host: '127.0.0.1', port: 4000, changeRetention: { days: 7 } })
  const [body] = jsonOf(operations)
  expect(Value.Check(settingsPatchSchema, Object(body).settings)).toBe(true)
})

function faultsOf(env: Record<string, string>): string {
  try {
    readConfig(env)
    return ''
  } catch (error) {
    return String(error)
  }
}

function page(name: string): Promise<string> {
  return readFile(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8')
}

function fences(markdown: string, language: string): string[] {
  const blocks = markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)\\n\`\`\`$`, 'gm'))
  return [...blocks].map(([, text = '']) => text)
}

function jsonOf(markdown: string): unknown[] {
  return fences(markdown, 'json').map((text) => JSON.parse(text))
}
