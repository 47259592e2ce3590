/** What any nonce store owes to its callers (`src/access/nonces.ts`); run against every implementation. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NonceStore, SpentNonce } from '../../src/access/nonces.ts';

/** One store that several connections and processes share, empty at first. */
export interface NoncesUnderTest {
  open(): NonceStore;
  /** A module for a child process whose export `open(where)` opens the same store. */
  module: string;
  where: string;
  remove(): void;
}

const KEY = `02${'ab'.repeat(32)}`;
const OTHER_KEY = `03${'ab'.repeat(32)}`;
const NOW = 1_767_225_600_000;
const nonce = (name: string, identityKey = KEY): SpentNonce => ({
  identityKey,
  nonce: name.padEnd(22, '_'),
  until: NOW + 240_000,
});

export function nonceContract(name: string, make: () => NoncesUnderTest): void {
  describe(`${name} as a store of nonces`, () => {
    let under: NoncesUnderTest;
    let stores: NonceStore[];

    const open = () => {
      const store = under.open();
      stores.push(store);
      return store;
    };

    beforeEach(() => {
      under = make();
      stores = [];
    });
    afterEach(async () => {
      await Promise.all(stores.map((store) => store.close()));
      under.remove();
    });

    test('a nonce is spent once', async () => {
      const store = open();
      expect(await store.spend(nonce('a'), NOW)).toBe(true);
      expect(await store.spend(nonce('a'), NOW)).toBe(false);
      expect(await store.spend(nonce('b'), NOW)).toBe(true);
      expect(await store.spend(nonce('a'), NOW)).toBe(false);
    });

    test('nobody spends the nonce of another', async () => {
      const store = open();
      expect(await store.spend(nonce('a', OTHER_KEY), NOW)).toBe(true);
      expect(await store.spend(nonce('a'), NOW)).toBe(true);
    });

    test('a nonce is spent for every connection, and after a restart', async () => {
      const store = open();
      expect(await store.spend(nonce('a'), NOW)).toBe(true);
      expect(await open().spend(nonce('a'), NOW)).toBe(false);
      await store.close();
      stores.splice(stores.indexOf(store), 1);
      expect(await open().spend(nonce('a'), NOW)).toBe(false);
    });

    test('a nonce is remembered until its time, and one without a time for good', async () => {
      const store = open();
      expect(await store.spend(nonce('a'), NOW)).toBe(true);
      expect(await store.spend({ ...nonce('b'), until: undefined }, NOW)).toBe(true);
      expect(await store.spend(nonce('c'), NOW + 240_000)).toBe(true);
      expect(await store.spend(nonce('a'), NOW + 240_000)).toBe(false);
      const later = NOW + 10 * 365 * 86_400_000;
      for (let i = 0; i < 20; i++) await store.spend({ ...nonce(`later-${i}`), until: later + 1 }, later);
      expect(await store.spend({ ...nonce('b'), until: undefined }, later)).toBe(false);
    });

    test('one of many at the same time gets a nonce', async () => {
      const [one, two] = [open(), open()];
      for (let i = 0; i < 20; i++) {
        const spent = await Promise.all([one, two, one, two].map((store) => store.spend(nonce(`n${i}`), NOW)));
        expect(spent.filter(Boolean)).toHaveLength(1);
      }
    });

    test('two processes race for the same nonces: each is spent exactly once', async () => {
      const racers = [racer(under), racer(under)];
      const wins = [0, 0];
      await Promise.all(racers.map(({ next }) => next()));
      for (let round = 0; round < 60; round++) {
        // By turns: who is told first is first, mostly.
        for (const { spend } of round % 2 === 0 ? racers : racers.toReversed()) spend(round);
        const won = await Promise.all(racers.map(({ next }) => next()));
        for (const [i, nonces] of won.entries()) wins[i]! += nonces.length;
        expect(won.flat().sort(), `round ${round}`).toEqual([0, 1, 2, 3, 4].map((i) => `race-${round}-${i}`));
      }
      for (const { end } of racers) end();
      // Otherwise they did not race.
      expect(Math.min(...wins)).toBeGreaterThan(0);
    });
  });
}

/** A process that spends the five nonces of each round it is told, and says which it got. */
function racer({ module, where }: NoncesUnderTest) {
  const script = `
    import { createInterface } from 'node:readline';
    const { open } = await import(${JSON.stringify(module)});
    const store = open(${JSON.stringify(where)});
    console.log('[]');
    for await (const round of createInterface({ input: process.stdin })) {
      const won = [];
      for (let i = 0; i < 5; i++) {
        const nonce = 'race-' + round + '-' + i;
        if (await store.spend({ identityKey: '${KEY}', nonce, until: ${NOW + 240_000} }, ${NOW})) won.push(nonce);
      }
      console.log(JSON.stringify(won));
    }
    await store.close();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    spend: (round: number) => child.stdin.write(`${round}\n`),
    next: async () => JSON.parse((await lines.next()).value ?? 'null') as string[],
    end: () => child.stdin.end(),
  };
}
