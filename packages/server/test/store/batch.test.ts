import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventBatch, EventBatchBuilder } from '../../src/store/batch.ts';

const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const event = fc.record({
  id: digest,
  raw: digest,
  bytes: fc.uint8Array({ maxLength: 40 }),
  supersedes: fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { nil: undefined }),
  dropped: fc.boolean(),
});

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('what is added comes back, what is dropped does not, also from the stored bytes and beyond what was reckoned', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), fc.nat(400), (events, size) => {
      const builder = new EventBatchBuilder(events.length, size);
      for (const { id, raw, bytes, supersedes, dropped } of events) {
        const place = builder.add(latin1(id), latin1(raw), bytes);
        expect(builder.batch.eventId(place)).toBe(hex(id.subarray(0, 16)));
        expect(builder.batch.text(place)).toBe(Buffer.from(bytes).toString('utf8'));
        if (dropped) builder.dropLast();
        else if (supersedes !== undefined) builder.markSuperseding(place, supersedes);
      }
      const kept = events.filter(({ dropped }) => !dropped);
      const built = builder.finish();
      const stored = new EventBatch(Uint8Array.from(built.headers), Uint8Array.from(built.raw));
      expect(builder.count).toBe(kept.length);
      for (const batch of [built, stored]) {
        expect(batch.count).toBe(kept.length);
        expect(hex(batch.raw)).toBe(kept.map(({ bytes }) => hex(bytes)).join(''));
        for (const [place, { id, raw, bytes, supersedes }] of kept.entries()) {
          const view = new DataView(id.buffer, id.byteOffset);
          expect(batch.eventId(place)).toBe(hex(id.subarray(0, 16)));
          expect([batch.fingerprintHigh(place), batch.fingerprintLow(place)]).toEqual([
            view.getUint32(0),
            view.getUint32(4),
          ]);
          expect(batch.rawHash(place)).toBe(hex(raw));
          expect(hex(batch.bytes(place))).toBe(hex(bytes));
          expect(batch.supersedes(place)).toBe(supersedes);
        }
      }
    }),
  );
});

test('events are the same by all 16 bytes of their id, contents by all 32 of their hash', () => {
  const builder = new EventBatchBuilder(4, 0);
  const [id, raw] = ['a'.repeat(32), 'h'.repeat(32)];
  builder.add(id, raw, Buffer.alloc(0));
  builder.add(`${'a'.repeat(15)}b${'a'.repeat(16)}`, raw, Buffer.alloc(0));
  builder.add(`${'a'.repeat(16)}${'b'.repeat(16)}`, `${'h'.repeat(31)}i`, Buffer.alloc(0));
  builder.add(id, `i${'h'.repeat(31)}`, Buffer.alloc(0));
  const batch = builder.finish();
  const sameId = [0, 1, 2, 3].map((place) => batch.sameEventId(0, batch, place));
  const sameHash = [0, 1, 2, 3].map((place) => batch.sameRawHash(0, batch, place));
  expect(sameId).toEqual([true, false, true, true]);
  expect(sameHash).toEqual([true, true, false, false]);
});

test('of an event that is taken out, its header is left, and all of the others', () => {
  const texts = ['first', 'second', 'third'];
  const salts = Buffer.from(texts.map((_, place) => String(place + 1).repeat(32)).join(''), 'latin1');
  const builder = new EventBatchBuilder(4, 0, Buffer.concat([salts, Buffer.alloc(32, 9)]));
  for (const text of texts) builder.add('i'.repeat(32), 'h'.repeat(32), Buffer.from(text));
  const batch = builder.finish();
  expect(batch.salts).toEqual(salts);
  const left = batch.without(1);
  expect([0, 1, 2].map((place) => left.isErased(place))).toEqual([false, true, false]);
  expect([0, 1, 2].map((place) => left.text(place))).toEqual(['first', '\0'.repeat(6), 'third']);
  expect(left.salt(2)).toEqual(batch.salt(2));
  expect(left.salt(1)).toEqual(Buffer.alloc(32));
  expect(left.headers).toEqual(batch.headers);
  expect(left.without(1)).toEqual(left);
  expect(batch.text(1)).toBe('second');
  expect(batch.isErased(1)).toBe(false);
});

test('without salts, nothing is ever erased', () => {
  const builder = new EventBatchBuilder(1, 0);
  builder.add('i'.repeat(32), 'h'.repeat(32), Buffer.alloc(3));
  const batch = builder.finish();
  expect([batch.salts, batch.salt(0), batch.isErased(0)]).toEqual([undefined, undefined, false]);
});
