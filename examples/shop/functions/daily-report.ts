import { report } from './_report.ts'
import { schedule } from './_shop.ts'

/** Every morning. What a day missed while no server ran is in the log of orders still, so one report makes up for it. */
export default schedule('0 6 * * *', { timezone: 'Europe/Berlin' }, async (_, { basalt, log }) => {
  log.info('reported', { ...(await report(basalt)) })
})
