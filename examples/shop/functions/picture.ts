import { http } from './_shop.ts'

/** Takes a product's picture, and stores what apps want to know before they have loaded it. */
export default http('PUT /pictures/:product', async (request, { basalt, env }) => {
  if (env['PICTURE_TOKEN'] === undefined || request.headers.get('x-token') !== env['PICTURE_TOKEN']) {
    return new Response('wrong token', { status: 401 })
  }
  const bytes = new Uint8Array(await request.arrayBuffer())
  const size = readPngSize(bytes)
  if (size === null) return new Response('a PNG, please', { status: 415 })
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const product = new URL(request.url).pathname.split('/').at(-1) ?? ''
  const picture = { ...size, digest: Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('') }
  await basalt.collection('products').update(product, { picture })
  return Response.json(picture)
})

/** Width and height stand first in every PNG (https://www.w3.org/TR/png-3/#11IHDR). */
function readPngSize(bytes: Uint8Array): { width: number; height: number } | null {
  const signature = [137, 80, 78, 71, 13, 10, 26, 10]
  if (bytes.length < 24 || signature.some((byte, at) => bytes[at] !== byte)) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return { width: view.getUint32(16), height: view.getUint32(20) }
}
