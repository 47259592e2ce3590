import { describe, expect, it } from 'vitest';
import { tamper } from '../src/tamper.ts';

describe('tamper', () => {
  it.each([
    [{ a: 1, b: 2 }, { a: 2, b: 2 }, 'payload.a'],
    [{ a: null, b: 'x' }, { a: null, b: 'x (changed)' }, 'payload.b'],
    [{ a: [], b: {}, c: false }, { a: [], b: {}, c: true }, 'payload.c'],
  ])('changes the first value that can be: %j', (payload, expected, changed) => {
    const proof = { leaf: { rawHash: 'ab' }, payload };
    expect(tamper(proof)).toEqual({ proof: { leaf: { rawHash: 'ab' }, payload: expected }, changed });
    expect(proof.payload).toBe(payload);
  });

  it.each([
    ['ab', 'a0'],
    ['a0', 'a1'],
  ])('changes the raw hash %s where there is no payload', (rawHash, flipped) => {
    expect(tamper({ leaf: { rawHash, seq: 1 } })).toEqual({
      proof: { leaf: { rawHash: flipped, seq: 1 } },
      changed: 'leaf.rawHash',
    });
  });
});
