import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalize } from '../src/canonical.ts';
import { verifyProof } from '../src/verify.ts';
import { buildProof, pins } from './fixture.ts';
import { mutations, places, replaceAt } from './mutations.ts';

const plain = buildProof();

describe.each([
  ['a plain proof', plain],
  ['a salted proof', buildProof({ salted: true })],
  ['a rolled-up proof', buildProof({ rollup: true })],
])('%s', (_, proof) => {
  const where = places(proof);

  it('is refused with any value changed', () => {
    const place = fc.constantFrom(...where);
    const mutation = fc.constantFrom(...mutations);
    // One header in 4096 meets the development floor by chance, so the run is a fixed one.
    fc.assert(
      fc.property(place, mutation, fc.nat(200), (path, mutate, n) => {
        const changed = replaceAt(proof, path, (old) => mutate(old, n));
        fc.pre(canonicalize(changed) !== canonicalize(proof));
        expect(verifyProof(changed, pins)).toMatchObject({ valid: false });
      }),
      { numRuns: 400, seed: 20260301 },
    );
  });

  it('gives a report, whatever stands in any place', () => {
    fc.assert(
      fc.property(fc.constantFrom(...where), fc.jsonValue({ maxDepth: 3 }), (path, value) => {
        const changed = replaceAt(proof, path, () => value);
        fc.pre(canonicalize(changed) !== canonicalize(proof));
        expect(verifyProof(changed, pins)).toMatchObject({ valid: false });
      }),
      { numRuns: 300 },
    );
  });
});

describe('verifyProof: hostile', () => {
  const deep = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000));
  const wide = Array.from({ length: 300_000 }, () => '00'.repeat(32));
  const polluting = JSON.parse(
    '{"__proto__":{"valid":true},"constructor":{"prototype":1},"toString":1,"hasOwnProperty":1}',
  );

  it.each([undefined, null, true, 0, '', 'x', [], {}, deep, wide, polluting])('any value at all (%#)', (value) => {
    expect(verifyProof(value)).toMatchObject({ valid: false, reason: 'malformed' });
  });

  it.each(
    places(plain)
      .filter((path) => path.length > 0)
      .map((path) => [path.join('.')]),
  )('%s', (name) => {
    for (const value of [deep, wide, polluting]) {
      const report = verifyProof(
        replaceAt(plain, name.split('.'), () => value),
        pins,
      );
      expect(report.valid).toBe(false);
    }
  });

  it('an anchor with more parents than a call has room for arguments', () => {
    const parents = 200_000;
    const head = `a2626d685820${plain.versionId}61709a${parents.toString(16).padStart(8, '0')}`;
    const data = `444c4d31${head}${`5820${'00'.repeat(32)}`.repeat(parents)}`;
    const size = (n: number) => Buffer.from(Uint32Array.of(n).buffer).toString('hex');
    const script = `006a4e${size(data.length / 2)}${data}`;
    const rawTx = `0100000001${'00'.repeat(36)}00ffffffff01${'00'.repeat(8)}fe${size(script.length / 2)}${script}00000000`;
    const proof = replaceAt(plain, ['anchor', 'envelope', 'rawTx'], () => rawTx);
    expect(verifyProof(proof, pins)).toMatchObject({ reason: 'txid-mismatch-rawtx-vs-proof' });
  });
});
