import { reject } from '@basalt/client/functions'
import { beforeCreate } from './_shop.ts'

/** An order costs what its products cost when it is placed, whatever it says of itself. */
export default beforeCreate('orders', async ({ document }, { basalt }) => {
  const lines = readLines(document.lines)
  const ids = [...new Set(lines.map(({ product }) => product))]
  const { documents } = await basalt
    .collection('products')
    .where({ id: { $in: ids } })
    .limit(20)
    .find()
  const prices = new Map(documents.map(({ id, price }) => [id, price]))
  let total = 0
  for (const { product, amount } of lines) {
    const price = prices.get(product)
    if (price === undefined) reject(`There is no product ${product}`)
    total += price * amount
  }
  return { ...document, total }
})

interface Line {
  product: string
  amount: number
}

/** Whoever writes with a secret key can send anything; the schema says what is wrong with it, after this hook. */
function readLines(lines: unknown): Line[] {
  const isLine = (line: Partial<Line> | null): line is Line =>
    typeof line?.product === 'string' && typeof line.amount === 'number'
  return Array.isArray(lines) ? lines.filter(isLine) : []
}
