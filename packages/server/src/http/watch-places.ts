/** Who may hold a connection of the live feed: there is a bound for all, for an address and for an identity. */
import { isIPv6 } from 'node:net';
import { isLoopback } from '../config.ts';
import { Problem } from './problem.ts';

export interface WatchLimits {
  /** Clients at once. */
  maxClients: number;
  /** Of one address; undefined for the default, which does not count those of this machine: a proxy has one of them. */
  maxPerAddress: number | undefined;
  maxPerIdentity: number;
}

const DEFAULT_PER_ADDRESS = 100;
const RETRY_AFTER_S = 5;

export class WatchPlaces {
  readonly #limits: WatchLimits;
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(limits: WatchLimits) {
    this.#limits = limits;
  }

  /**
   * @param identity of whoever has shown a token
   * @returns gives the place back
   * @throws Problem 503 or 429
   */
  take(address: string, identity: string | undefined): () => void {
    const { maxClients, maxPerIdentity } = this.#limits;
    if (this.#all >= maxClients) {
      throw new Problem(503, 'too-many-watchers', `at most ${maxClients} may watch at once`, later);
    }
    const bounds = [[`address ${networkOf(address)}`, this.#perAddress(address)]] as [string, number][];
    if (identity !== undefined) bounds.push([`identity ${identity}`, maxPerIdentity]);
    for (const [who, bound] of bounds) {
      if ((this.#taken.get(who) ?? 0) < bound) continue;
      throw new Problem(
        429,
        'too-many-connections',
        `at most ${bound} connections for one ${who.split(' ')[0]}; close one, or come back later`,
        later,
      );
    }
    this.#all++;
    for (const [who] of bounds) this.#taken.set(who, (this.#taken.get(who) ?? 0) + 1);
    return once(() => {
      this.#all--;
      for (const [who] of bounds) this.#giveBack(who);
    });
  }

  #giveBack(who: string): void {
    const left = (this.#taken.get(who) ?? 1) - 1;
    if (left === 0) this.#taken.delete(who);
    else this.#taken.set(who, left);
  }

  #perAddress(address: string): number {
    const { maxPerAddress } = this.#limits;
    if (maxPerAddress !== undefined) return maxPerAddress;
    return isLoopback(address.replace(/^::ffff:/, '')) ? Number.POSITIVE_INFINITY : DEFAULT_PER_ADDRESS;
  }
}

/** Of IPv6 a subscriber has a /64 at least, and with it as many addresses as anybody could want. */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=[\d.]+$)/i, '');
  if (!isIPv6(plain)) return plain;
  const [before, after] = plain.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = after === undefined ? 0 : 8 - before!.length - after.length;
  return [...before!, ...Array<string>(zeros).fill('0'), ...(after ?? [])].slice(0, 4).join(':');
}

const later = { retryAfter: RETRY_AFTER_S };

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
