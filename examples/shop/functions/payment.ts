import { http } from './_shop.ts'

/**
 * What the payment service calls when somebody has paid: `{ order, amount }`, signed with the secret that it and this
 * project share. It may call again, so paying twice changes nothing.
 */
export default http('POST /payments', async (request, { basalt, env, log }) => {
  const body = await request.text()
  const signature = request.headers.get('x-signature') ?? ''
  if (!(await isSigned(body, signature, env['PAYMENT_SECRET']))) {
    log.warn('a payment with a wrong signature')
    return new Response('wrong signature', { status: 401 })
  }
  const { order: id, amount } = JSON.parse(body) as { order: string; amount: number }
  const orders = basalt.collection('orders')
  const order = await orders.get(id)
  if (amount !== order.total) return new Response('wrong amount', { status: 422 })
  if (order.state === 'placed') await orders.update(id, { state: 'paid' }, { ifVersion: order.version })
  return new Response('ok')
})

/** HMAC-SHA256 in hexadecimal. `verify` compares in constant time. */
async function isSigned(text: string, signature: string, secret: string | undefined): Promise<boolean> {
  if (secret === undefined || !/^[0-9a-f]{64}$/.test(signature)) return false
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, [
    'verify',
  ])
  const bytes = Uint8Array.from(signature.match(/../g) ?? [], (pair) => parseInt(pair, 16))
  return crypto.subtle.verify('HMAC', key, bytes, new TextEncoder().encode(text))
}
