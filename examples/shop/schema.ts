import { array, collection, defineSchema, integer, object, oneOf, reference, string } from '@basalt/client'

/** Amounts of money are in cents. */
export const schema = defineSchema({
  collections: {
    products: collection(
      {
        name: string({ minLength: 1, maxLength: 100 }),
        price: integer({ minimum: 0 }),
        // No sale can make it negative: who comes too late is refused.
        stock: integer({ minimum: 0 }),
        picture: object({ width: integer(), height: integer(), digest: string() }).optional(),
      },
      { rules: { read: 'true', list: 'true' } },
    ),
    orders: collection(
      {
        customer: string(),
        lines: array(
          object({ product: reference('products'), amount: integer({ minimum: 1, maximum: 100 }) }),
          {
            minItems: 1,
            maxItems: 20,
          },
        ),
        total: integer({ minimum: 0 }),
        state: oneOf('placed', 'paid'),
      },
      {
        indexes: [{ fields: ['customer', '-createdAt'] }, { fields: ['state', 'createdAt'] }],
        // Orders are made by the function place-order alone, and paid by what the payment service says.
        rules: { read: 'auth.uid == doc.customer', list: 'auth.uid == doc.customer' },
      },
    ),
    messages: collection(
      { customer: string(), order: reference('orders'), text: string() },
      {
        indexes: [{ fields: ['customer', 'createdAt'] }],
        rules: { read: 'auth.uid == doc.customer', list: 'auth.uid == doc.customer' },
      },
    ),
    reports: collection({ orders: integer(), revenue: integer() }),
  },
})
