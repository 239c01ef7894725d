import { integer } from '@basalt/client'
import { report } from './_report.ts'
import { callable } from './_shop.ts'

/** For the shop's own people, who don't want to wait for the morning: `basalt functions invoke report-now`. */
export default callable({
  access: 'server',
  output: { orders: integer(), revenue: integer() },
  handler: (_, { basalt }) => report(basalt),
})
