import { array, BasaltError, integer, object, string } from '@basalt/client'
import { reject } from '@basalt/client/functions'
import { callable } from './_shop.ts'

const line = object({ product: string(), amount: integer({ minimum: 1, maximum: 100 }) })

/** Takes the goods out of the stock and makes the order, both or neither. */
export default callable({
  input: { lines: array(line, { minItems: 1, maxItems: 20 }) },
  output: { order: string(), total: integer() },
  async handler({ lines }, { basalt, auth }) {
    if (auth === null) throw new Error('Only users get here')
    const customer = auth.uid
    try {
      const { order } = await basalt.transaction((tx) => {
        for (const { product, amount } of lines) {
          tx.update('products', product, { stock: { $increment: -amount } })
        }
        // What it costs is for price-order to say.
        return { order: tx.create('orders', { customer, lines, total: 0, state: 'placed' }) }
      })
      return { order: order.id, total: order.total }
    } catch (error) {
      if (!(error instanceof BasaltError)) throw error
      if (error.code === 'validation_failed') reject('There are not so many left')
      if (error.code === 'not_found') reject('There is no such product')
      // What another function of the shop had against it.
      if (error.code === 'rejected') reject(error.message)
      throw error
    }
  },
})
