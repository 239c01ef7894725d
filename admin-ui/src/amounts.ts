/** In the reader's way of writing numbers. */
export function count(amount: number): string {
  return amount.toLocaleString()
}

export function milliseconds(amount: number): string {
  if (amount >= 10_000)
    return `${(amount / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 })}\u00a0s`
  return `${amount.toLocaleString(undefined, { maximumSignificantDigits: 3 })}\u00a0ms`
}

const kibibyte = 1024

/** Of nothing there is a dash: what was ended before it could be measured has no size. */
export function bytes(amount: number): string {
  if (amount === 0) return '–'
  if (amount < kibibyte) return `${amount}\u00a0B`
  const [size, unit] = amount < kibibyte ** 2 ? [amount / kibibyte, 'KiB'] : [amount / kibibyte ** 2, 'MiB']
  return `${size.toLocaleString(undefined, { maximumFractionDigits: size < 10 ? 1 : 0 })}\u00a0${unit}`
}

/** A share of 1 in percent. */
export function percent(share: number): string {
  return share.toLocaleString(undefined, { style: 'percent', maximumFractionDigits: 1 })
}
