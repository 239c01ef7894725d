import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

// https://www.iana.org/assignments/iana-ipv4-special-registry: what is not on the public internet.
const special4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]

// Of IPv6 only global unicast is public (RFC 4291), less these: Teredo and other protocols, documentation, and
// 6to4, which carries an IPv4 address that the relay would connect to.
const special6: readonly [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const special = new BlockList()
for (const [net, prefix] of special4) special.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of special6) special.addSubnet(net, prefix, 'ipv6')

const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')

/** Whether outbound requests may reach the address: it is public and not this machine's, or was allowed by name. */
export function isReachable(address: string, allowed: readonly string[]): boolean {
  const plain = embedded4(address) ?? address
  const kind = isIP(plain)
  if (kind === 0) return false
  const family = kind === 4 ? 'ipv4' : 'ipv6'
  if (blockList(allowed).check(plain, family)) return true
  if (special.check(plain, family) || (kind === 6 && !globalUnicast.check(plain, family))) return false
  return !isOwn(plain)
}

/** The IPv4 address inside a mapped (RFC 4291) or a NAT64 one (RFC 6052): that is where the packets go. */
function embedded4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined
  // The URL parser writes every form the same way: ::ffff:7f00:1, without a zone.
  const [bare = ''] = address.split('%', 1)
  if (!URL.canParse(`http://[${bare}]`)) return undefined
  const canonical = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const [, high, low] = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? []
  if (high === undefined || low === undefined) return undefined
  const bytes = [high, low].flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
  return bytes.join('.')
}

function isOwn(address: string): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some((own) => own.address === address))
}

const lists = new WeakMap<readonly string[], BlockList>()

function blockList(networks: readonly string[]): BlockList {
  const known = lists.get(networks)
  if (known !== undefined) return known
  const list = new BlockList()
  for (const network of networks) {
    const [net = '', prefix] = network.split('/')
    const family = isIP(net) === 4 ? 'ipv4' : 'ipv6'
    list.addSubnet(net, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family)
  }
  lists.set(networks, list)
  return list
}
