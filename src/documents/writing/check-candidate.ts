import type { JsonObject } from '../../query/json.ts'
import type { Limits } from '../../config.ts'
import type { Collection } from '../collections/collection.ts'
import { documentTooLarge, validationFailed } from '../errors.ts'
import { checkData } from './check-data.ts'

/**
 * Checks data that is about to be stored: what can be stored at all (400), its size (413) and the collection's
 * schema (422). Returns it as JSON text.
 */
export function checkCandidate(collection: Collection, data: JsonObject, limits: Limits): string {
  checkData(data, limits)
  const text = JSON.stringify(data)
  if (text.length > limits.documentBytes || Buffer.byteLength(text) > limits.documentBytes) {
    throw documentTooLarge(limits.documentBytes)
  }
  const issues = collection.validate?.(data) ?? []
  if (issues.length > 0) throw validationFailed(issues)
  return text
}
