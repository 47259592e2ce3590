import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CursorCodec } from '../../src/live/cursor.ts';
import type { LedgerReader, PacketRow } from '../../src/store/ledger.ts';

/** Packets of ten positions each; from `since` on, others than without it. */
function ledger(since = Number.POSITIVE_INFINITY): Pick<LedgerReader, 'read'> {
  return {
    read: (from) => {
      const first = from - ((from - 1) % 10);
      const versionId = hash('sha256', `${first >= since ? 'other' : 'one'} ${first}`);
      return [{ kind: 'packet', first, count: 10, packet: { versionId } as PacketRow }];
    },
  };
}

const codec = new CursorCodec('0a1b2c3d', ledger());
const MAX = Number.MAX_SAFE_INTEGER;
const HEADS = { journal: 1000, ledger: 2000 };
const position = fc.nat(MAX);

test('what was handed out is understood', () => {
  fc.assert(
    fc.property(position, position, (journal, ledger) => {
      const text = codec.encode({ journal, ledger });
      expect(text).toMatch(/^[0-9a-z-]{1,40}$/);
      expect(codec.decode(text, { journal: MAX, ledger: MAX })).toEqual({ journal, ledger });
    }),
  );
});

test('of a place that is not there yet, nothing is known', () => {
  expect(codec.decode(codec.encode(HEADS), HEADS)).toEqual(HEADS);
  expect(codec.decode(codec.encode({ journal: 1001, ledger: 0 }), HEADS)).toBeUndefined();
  expect(codec.decode(codec.encode({ journal: 0, ledger: 2001 }), HEADS)).toBeUndefined();
});

test('where the ledger has become another, cursors of what is lost are not understood, those before it are', () => {
  const restored = new CursorCodec('0a1b2c3d', ledger(501));
  for (const ledger of [0, 1, 499, 500]) {
    const cursor = { journal: 5, ledger };
    expect(restored.decode(codec.encode(cursor), HEADS)).toEqual(cursor);
  }
  for (const ledger of [501, 510, 2000]) {
    expect(restored.decode(codec.encode({ journal: 5, ledger }), HEADS)).toBeUndefined();
  }
});

/** Of the packet at 7. */
const MARK = hash('sha256', 'one 1').slice(0, 6);

describe('nothing else is understood', () => {
  const known = codec.encode({ journal: 5, ledger: 7 });

  test.each([
    '',
    '0',
    '-',
    '0a1b2c3d',
    '0a1b2c3d-',
    '0a1b2c3d-5',
    '0a1b2c3d-5-',
    '0a1b2c3d--7',
    '0a1b2c3d-5-7',
    '0a1b2c3d-5-7-',
    '0a1b2c3d-5-7-9',
    `0a1b2c3d-5-7-${MARK.slice(1)}`,
    `0a1b2c3d-5-7-${MARK}0`,
    `0a1b2c3d-05-7-${MARK}`,
    `0a1b2c3d-5-7-${MARK} `,
    ` 0a1b2c3d-5-7-${MARK}`,
    `0a1b2c3d-5-7-${MARK}\n`,
    `0A1B2C3D-5-7-${MARK}`,
    `0a1b2c3d-A-7-${MARK}`,
    `0a1b2c3d-+5-7-${MARK}`,
    `0a1b2c3d-5.0-7-${MARK}`,
    `0a1b2c3d-zzzzzzzzzzz-7-${MARK}`,
    `0a1b2c3d-${'1'.repeat(1000)}-7-${MARK}`,
    `0a1b2c3d-NaN-7-${MARK}`,
    `0a1b2c3d-5-\u0667-${MARK}`,
    new CursorCodec('ffffffff', ledger()).encode({ journal: 5, ledger: 7 }),
    new CursorCodec('', ledger()).encode({ journal: 5, ledger: 7 }),
  ])('%j', (text) => {
    expect(known).toBe(`0a1b2c3d-5-7-${MARK}`);
    expect(codec.decode(text, HEADS)).toBeUndefined();
  });

  test('whatever comes: it is what was handed out for that place, or nothing', () => {
    const tail = fc.string({ unit: fc.constantFrom(...'0123456789abczZ-+. \n'), maxLength: 12 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          tail.map((text) => `0a1b2c3d-${text}`),
        ),
        (text) => {
          const cursor = codec.decode(text, HEADS);
          if (cursor === undefined) return;
          expect(codec.encode(cursor)).toBe(text);
          expect(cursor.journal <= HEADS.journal && cursor.ledger <= HEADS.ledger).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
