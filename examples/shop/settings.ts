import type { Settings } from '@basalt/client'

export const settings: Settings = {
  auth: { anonymous: { enabled: true } },
}
