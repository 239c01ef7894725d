import { boolean, collection, defineSchema, string } from '@basalt/client'

/** One list that everybody who came in shares. */
export const schema = defineSchema({
  collections: {
    items: collection(
      { text: string({ minLength: 1, maxLength: 100 }), done: boolean() },
      {
        indexes: [{ fields: ['done', 'createdAt'] }],
        rules: {
          read: 'auth != null',
          list: 'auth != null',
          create: 'auth != null && doc.done == false',
          update: 'auth != null && doc.text == before.text',
          delete: 'auth != null && before.done == true',
        },
      },
    ),
  },
})

/** Who is looking at the list. */
export const channelRules = { join: 'auth != null', presence: 'auth != null' }
