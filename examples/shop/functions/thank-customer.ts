import { BasaltError } from '@basalt/client'
import { afterUpdate } from './_shop.ts'

/** Once an order is paid, its customer is told; the app shows messages as they come. */
export default afterUpdate('orders', async ({ document, before }, { basalt, event, log }) => {
  if (document.state !== 'paid' || before.state === 'paid') return
  const message = {
    // Hooks run at least once, always with the same event: the second message would have an id that is taken.
    id: event.id,
    customer: document.customer,
    order: document.id,
    text: `Thank you for ${(document.total / 100).toFixed(2)}. Your goods are on their way.`,
  }
  try {
    await basalt.collection('messages').create(message)
  } catch (error) {
    if (!(error instanceof BasaltError) || error.code !== 'already_exists') throw error
    log.info('told already', { order: document.id })
  }
})
