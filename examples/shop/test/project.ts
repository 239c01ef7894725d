import { createClient } from '@basalt/client'
import { readFileSync } from 'node:fs'
import { schema } from '../schema.ts'

interface DevState {
  url: string
  project: string
  publishableKey: string
  secretKey: string
}

/** The project of `basalt dev`, which has to be running. */
export const dev: DevState = JSON.parse(readFileSync(new URL('../.basalt/dev.json', import.meta.url), 'utf8'))

const { url, project, publishableKey, secretKey } = dev

/** A client as the app has it: nobody has signed in yet. */
export const newClient = () => createClient({ url, project, key: publishableKey, schema })

/** The shop's own people. */
export const shop = createClient({ url, project, key: secretKey, schema })
