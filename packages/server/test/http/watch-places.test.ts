import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Problem } from '../../src/http/problem.ts';
import { WatchPlaces } from '../../src/http/watch-places.ts';

const LIMITS = { maxClients: 500, maxPerAddress: undefined, maxPerIdentity: 100 };

/** How many get a place before one is refused, up to 200. */
function taken(places: WatchPlaces, address: (n: number) => string, identity?: string): number {
  for (let n = 0; n < 200; n++) {
    try {
      places.take(address(n), identity);
    } catch (error) {
      expect(error).toMatchObject({ status: 429, code: 'too-many-connections' });
      return n;
    }
  }
  return 200;
}

describe('without a setting, one address', () => {
  test.each(['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', 'fe80::1%eth0'])('%s has 100 places', (address) => {
    expect(taken(new WatchPlaces(LIMITS), () => address)).toBe(100);
  });

  test.each(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])('%s, of this machine, has any number', (address) => {
    expect(taken(new WatchPlaces(LIMITS), () => address)).toBe(200);
  });
});

test('with a setting this machine is counted, too', () => {
  expect(taken(new WatchPlaces({ ...LIMITS, maxPerAddress: 7 }), () => '127.0.0.1')).toBe(7);
});

test('of IPv6 a /64 counts as one address, of IPv4 each', () => {
  const places = () => new WatchPlaces({ ...LIMITS, maxPerAddress: 5 });
  const spellings = ['2001:db8:0:7::1', '2001:db8:0:7:ffff::2', '2001:db8:0:7:1:2:3:4', '2001:db8:0:7::'];
  expect(taken(places(), (n) => spellings[n % 4]!)).toBe(5);
  expect(taken(places(), (n) => `2001:db8:0:${n.toString(16)}::1`)).toBe(200);
  expect(taken(places(), (n) => `192.0.2.${n}`)).toBe(200);
  expect(taken(places(), (n) => `::ffff:192.0.2.${n}`)).toBe(200);
});

test('an identity is counted over all its addresses, and only where there is one', () => {
  const places = new WatchPlaces({ ...LIMITS, maxPerIdentity: 3 });
  expect(taken(places, (n) => `192.0.2.${n}`, 'admin')).toBe(3);
  expect(taken(places, (n) => `192.0.2.${n}`)).toBe(200);
});

test('whoever is refused takes nothing, and whoever leaves gives back one place, once', () => {
  const take = fc.record({ address: fc.constantFrom('a', 'b', 'c'), identity: fc.constantFrom(undefined, 'x', 'y') });
  const step = fc.oneof(take, fc.record({ leave: fc.nat(20), twice: fc.boolean() }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const limits = { maxClients: 6, maxPerAddress: 3, maxPerIdentity: 2 };
      const places = new WatchPlaces(limits);
      const there: { address: string; identity: string | undefined; giveBack: () => void }[] = [];
      for (const step of steps) {
        if ('leave' in step) {
          const [gone] = there.splice(step.leave, 1);
          gone?.giveBack();
          if (step.twice) gone?.giveBack();
          continue;
        }
        const { address, identity } = step;
        const ofAddress = there.filter((one) => one.address === address).length;
        const ofIdentity = there.filter((one) => identity !== undefined && one.identity === identity).length;
        const status = there.length === 6 ? 503 : ofAddress === 3 || ofIdentity === 2 ? 429 : undefined;
        try {
          there.push({ address, identity, giveBack: places.take(address, identity) });
          expect(status).toBeUndefined();
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          expect(error.status).toBe(status);
        }
      }
    }),
  );
});
