import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { checkFingerprints } from '../../../src/store/fingerprints/check.ts';
import { FingerprintIndex } from '../../../src/store/fingerprints/index.ts';
import { keyOf, TestDirectories } from './helpers.ts';

const directories = new TestDirectories();
afterAll(() => directories[Symbol.dispose]());

/** The journal: at each committed position the number of its key. */
type Journal = { position: number; key: number }[];

class Subject {
  index: FingerprintIndex;
  dir = directories.next();
  committed: Journal = [];
  pending: Journal = [];
  readonly #options: { flushAt: number; fanout: number };

  constructor(options: { flushAt: number; fanout: number }) {
    this.#options = options;
    this.index = FingerprintIndex.open(this.dir, 0, options);
  }

  get #head(): number {
    return this.committed.at(-1)?.position ?? 0;
  }

  add(keys: readonly number[], gap: number): void {
    for (const key of keys) {
      const position = (this.pending.at(-1)?.position ?? this.#head) + gap;
      this.pending.push({ position, key });
      this.index.add(keyOf(key).hi, keyOf(key).lo, position);
    }
  }

  commit(): void {
    this.committed.push(...this.pending);
    this.pending = [];
    this.index.maintain();
  }

  failCommit(): void {
    this.pending = [];
    this.index.rollback(this.#head);
  }

  /** Goes on in a copy of the directory, without closing the index first. */
  crash(): void {
    const copy = directories.copyOf(this.dir);
    this.index.close();
    this.#reopen(copy);
  }

  restart(): void {
    this.index.close();
    this.#reopen(this.dir);
  }

  #reopen(dir: string): void {
    this.dir = dir;
    this.pending = [];
    this.index = FingerprintIndex.open(dir, this.#head, this.#options);
    expect(this.index.damage).toBeUndefined();
    for (const { position, key } of this.committed) {
      if (position > this.index.through) this.index.add(keyOf(key).hi, keyOf(key).lo, position);
    }
  }

  check(keys: number): void {
    const expected = new Map<number, number[]>();
    for (const { position, key } of [...this.committed, ...this.pending]) {
      expected.set(key, [...(expected.get(key) ?? []), position]);
    }
    for (let key = 0; key < keys; key++) {
      const { hi, lo } = keyOf(key);
      expect(this.index.lookup(hi, lo)).toEqual(expected.get(key) ?? []);
    }
  }
}

const KEYS = 60;

const step = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    keys: fc.array(fc.nat(KEYS - 1), { maxLength: 40 }),
    gap: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constantFrom('commit' as const, 'failCommit' as const, 'crash' as const, 'restart' as const) }),
);

test('answers like a map, whatever is added, committed, taken back and crashed in between', () => {
  fc.assert(
    fc.property(
      fc.record({ flushAt: fc.integer({ min: 1, max: 12 }), fanout: fc.integer({ min: 2, max: 4 }) }),
      fc.array(step, { minLength: 5, maxLength: 60 }),
      (options, steps) => {
        const subject = new Subject(options);
        for (const next of steps) {
          if (next.kind === 'add') subject.add(next.keys, next.gap);
          else subject[next.kind]();
          subject.check(KEYS);
        }
        subject.index.close();
        expect(checkFingerprints(subject.dir, Number.MAX_SAFE_INTEGER)).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});
