import {
  array,
  collection,
  defineSchema,
  integer,
  oneOf,
  point,
  reference,
  string,
} from '../../client-sdk/src/client.ts'

/** A small project for tests: public posts, drafts that only servers see. */
export const schema = defineSchema({
  collections: {
    teams: collection({ name: string() }, { rules: { read: 'true' } }),
    authors: collection(
      {
        name: string(),
        email: string().optional().rules({ read: 'false' }),
        team: reference('teams').optional(),
      },
      { rules: { read: 'true' } },
    ),
    posts: collection(
      {
        title: string({ maxLength: 80 }),
        status: oneOf('draft', 'live'),
        votes: integer().optional(),
        tags: array(string()),
        author: reference('authors'),
        readers: array(reference('authors')).optional(),
        place: point().optional(),
      },
      {
        indexes: [
          { fields: ['status', '-votes'] },
          { type: 'search', fields: ['title'], language: 'english' },
          { type: 'geo', fields: ['place'] },
        ],
        rules: {
          read: 'doc.status == "live"',
          list: 'doc.status == "live"',
          create: 'doc.status == "draft"',
        },
      },
    ),
  },
})
