import type { AuthSettings, ProjectSettings } from '@basalt/client'
import type { Static } from 'typebox'
import { expectTypeOf, test } from 'vitest'
import type { AuthSettings as ServerAuthSettings } from '../../src/auth/settings/auth-settings.ts'
import type { settingsPatchSchema } from '../../src/projects/project-settings.ts'

// The client has these types of its own; the compiler fails here when they part from the server's.
test('settings.ts may say what the server takes', () => {
  expectTypeOf<keyof AuthSettings>().toEqualTypeOf<keyof ServerAuthSettings>()
  expectTypeOf<ServerAuthSettings>().toExtend<Partial<AuthSettings>>()
  expectTypeOf<keyof ProjectSettings>().toEqualTypeOf<keyof Static<typeof settingsPatchSchema>>()
  expectTypeOf<Static<typeof settingsPatchSchema>>().toExtend<ProjectSettings>()
})
