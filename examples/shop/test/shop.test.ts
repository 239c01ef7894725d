import { createHmac, randomBytes } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import type placeOrder from '../functions/place-order.ts'
import type reportNow from '../functions/report-now.ts'
import { dev, newClient, shop } from './project.ts'

const secrets = {
  PAYMENT_SECRET: randomBytes(16).toString('hex'),
  PICTURE_TOKEN: randomBytes(16).toString('hex'),
}

beforeAll(async () => {
  for (const [name, value] of Object.entries(secrets)) {
    const answer = await fetch(`${dev.url}/v1/projects/${dev.project}/functions/secrets/${name}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${dev.secretKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ value }),
    })
    expect(answer.ok).toBe(true)
  }
})

async function newCustomer() {
  const client = newClient()
  await client.auth.signInAnonymously()
  const order = (...lines: { product: string; amount: number }[]) =>
    client.functions.call<typeof placeOrder>('place-order', { lines })
  return { client, order }
}

function newProduct(price: number, stock: number) {
  return shop.collection('products').create({ name: 'Lamp', price, stock })
}

function callHttp(
  method: string,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
) {
  return fetch(`${dev.url}/v1/projects/${dev.project}/http${path}`, { method, headers, body })
}

function pay(order: string, amount: number, secret = secrets.PAYMENT_SECRET) {
  const body = JSON.stringify({ order, amount })
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  return callHttp('POST', '/payments', body, { 'x-signature': signature })
}

test('an order costs what the shop says, and is its customer’s alone', async () => {
  const [lamp, bulb] = [await newProduct(4990, 10), await newProduct(250, 10)]
  const ada = await newCustomer()
  const bob = await newCustomer()

  const placed = await ada.order({ product: lamp.id, amount: 1 }, { product: bulb.id, amount: 4 })

  expect(placed.total).toBe(4990 + 4 * 250)
  expect(await ada.client.collection('orders').get(placed.order)).toMatchObject({
    state: 'placed',
    total: 5990,
  })
  await expect(bob.client.collection('orders').get(placed.order)).rejects.toMatchObject({ code: 'not_found' })
  await expect(ada.client.collection('orders').update(placed.order, { state: 'paid' })).rejects.toMatchObject(
    { code: 'forbidden' },
  )
})

test('of ten who want one of the last five, five get it', async () => {
  const { id } = await newProduct(100, 5)
  const customers = await Promise.all(Array.from({ length: 10 }, newCustomer))

  const results = await Promise.allSettled(customers.map(({ order }) => order({ product: id, amount: 1 })))

  const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason)
  expect(refused).toHaveLength(5)
  for (const reason of refused) {
    expect(reason).toMatchObject({ code: 'rejected', message: expect.stringContaining('not so many left') })
  }
  expect(await shop.collection('products').get(id)).toMatchObject({ stock: 0 })
})

test('an order of something that there is not takes nothing from the stock', async () => {
  const { id } = await newProduct(100, 5)
  const { order } = await newCustomer()
  await expect(order({ product: id, amount: 1 }, { product: 'nothing', amount: 1 })).rejects.toMatchObject({
    code: 'rejected',
  })
  expect(await shop.collection('products').get(id)).toMatchObject({ stock: 5 })
})

test('who has paid is thanked, once', async () => {
  const { id } = await newProduct(1999, 5)
  const { client, order } = await newCustomer()
  const placed = await order({ product: id, amount: 1 })
  const heard: string[] = []
  const messages = client.collection('messages').live(({ documents = [] }) => {
    heard.splice(0, heard.length, ...documents.map(({ text }) => text))
  })

  expect((await pay(placed.order, 1999, 'not the secret')).status).toBe(401)
  expect((await pay(placed.order, 1)).status).toBe(422)
  expect(await client.collection('orders').get(placed.order)).toMatchObject({ state: 'placed' })
  // Payment services repeat themselves.
  for (let time = 1; time <= 3; time += 1) expect((await pay(placed.order, 1999)).status).toBe(200)

  await expect
    .poll(() => heard, { timeout: 10_000 })
    .toEqual(['Thank you for 19.99. Your goods are on their way.'])
  messages.close()
})

test('what was paid is in the report', async () => {
  const { id } = await newProduct(700, 5)
  const { order } = await newCustomer()
  const before = await shop.functions.call<typeof reportNow>('report-now', {})
  const placed = await order({ product: id, amount: 2 })
  await pay(placed.order, 1400)

  const after = await shop.functions.call<typeof reportNow>('report-now', {})

  expect(after).toEqual({ orders: before.orders + 1, revenue: before.revenue + 1400 })
  expect(await shop.collection('reports').get(new Date().toISOString().slice(0, 10))).toMatchObject(after)
})

test('the size of a picture is known before it is loaded', async () => {
  const { id } = await newProduct(100, 5)
  const png = Buffer.alloc(33)
  png.set([137, 80, 78, 71, 13, 10, 26, 10])
  png.writeUInt32BE(13, 8)
  png.write('IHDR', 12)
  png.writeUInt32BE(640, 16)
  png.writeUInt32BE(480, 20)

  const headers = { 'x-token': secrets.PICTURE_TOKEN }
  expect((await callHttp('PUT', `/pictures/${id}`, png, { 'x-token': 'guessed' })).status).toBe(401)
  expect((await callHttp('PUT', `/pictures/${id}`, 'GIF89a', headers)).status).toBe(415)
  expect((await callHttp('PUT', `/pictures/${id}`, png, headers)).status).toBe(200)

  const { picture } = await newClient().collection('products').get(id)
  expect(picture).toMatchObject({ width: 640, height: 480, digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
})
