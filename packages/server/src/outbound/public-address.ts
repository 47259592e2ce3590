/**
 * Which addresses this server may call on behalf of whoever gives it a URL. What is not public (RFC 6890 and the IANA
 * special-purpose registries) could be reached from here and not from where the URL came: only what the operator allows
 * is called all the same.
 */
import { BlockList, isIP } from 'node:net';

export type Standing = 'public' | 'allowed' | 'refused';

export interface Cidr {
  address: string;
  prefix: number;
}

/** IPv4 that is not global unicast. */
const REFUSED_V4: readonly [string, number][] = [
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
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // Allocated as public, and within one cloud the host's own agent.
  ['168.63.129.16', 32],
];
/** Of the one block from which global unicast is given out: Teredo and other protocols, documentation, 6to4. */
const GLOBAL_V6: [string, number] = ['2000::', 3];
const REFUSED_V6: readonly [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];
/** IPv6 whose last 32 bits are the IPv4 address that is meant: mapped, and NAT64 (RFC 6052). */
const EMBEDDING: readonly [string, number][] = [
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
];

const refusedV4 = blockList(REFUSED_V4, 'ipv4');
const globalV6 = blockList([GLOBAL_V6], 'ipv6');
const refusedV6 = blockList(REFUSED_V6, 'ipv6');
const embedding = EMBEDDING.map((range) => blockList([range], 'ipv6'));

export class PublicAddresses {
  readonly #allowed = new BlockList();

  /** @param allowed what is called although it is not public, or without TLS */
  constructor(allowed: readonly Cidr[]) {
    for (const { address, prefix } of allowed) this.#allowed.addSubnet(address, prefix, familyOf(address));
  }

  /** @param address as the resolver, or a URL's host without brackets, has it */
  standing(address: string): Standing {
    const [plain = ''] = address.split('%', 1);
    if (isIP(plain) === 0) return 'refused';
    if (this.#allowed.check(plain, familyOf(plain))) return 'allowed';
    // Of an address with a zone, the zone says which link it is on.
    return plain === address && isPublic(plain) ? 'public' : 'refused';
  }
}

/** @returns undefined for what is no CIDR, or has bits beyond its prefix that say another network was meant */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text);
  const [, address = '', prefix = ''] = match ?? [];
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return Number(prefix) <= bits ? { address, prefix: Number(prefix) } : undefined;
}

function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !refusedV4.check(address, 'ipv4');
  // Each on its own: a list with IPv4 rules would look through mapped addresses, and one with IPv6 rules does not.
  if (embedding.some((list) => list.check(address, 'ipv6'))) return !refusedV4.check(lastFour(address), 'ipv4');
  return globalV6.check(address, 'ipv6') && !refusedV6.check(address, 'ipv6');
}

/** The IPv4 address in the last 32 bits. */
function lastFour(address: string): string {
  // The URL parser has one spelling for each address, without a dotted end.
  const host = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [high = '0', low = '0'] = host.split(':').slice(-2);
  const bits = (Number.parseInt(high || '0', 16) << 16) | Number.parseInt(low || '0', 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}

function blockList(ranges: readonly (readonly [string, number])[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, family);
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
