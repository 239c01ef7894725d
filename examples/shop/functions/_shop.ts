import { functionsFor } from '@basalt/client/functions'
import type { schema } from '../schema.ts'

/** The makers of functions that know the shop's collections. */
export const { afterCreate, afterUpdate, beforeCreate, callable, http, schedule } =
  functionsFor<typeof schema>()
