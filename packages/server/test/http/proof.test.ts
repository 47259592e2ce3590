/** Every proof that the server hands out is accepted by our verifier and by an independent one. */
import { createHash } from 'node:crypto';
import { verifyProof } from '@tidemark/proof';
import { beforeAll, describe, expect, it } from 'vitest';
import { get, ingest, type Json, post } from './client.ts';
import { needsPython, type PythonOptions, verifyInPython } from './independent.ts';
import { randomNumbers } from './random.ts';
import { AT_ONCE, anchoredProof, packetLines, pinsOf, type Running, report, settled, useServer } from './server.ts';

const bounded = { constraints: { bounds: { n: { max: 1_000_000 } } } };
const NDJSON = { 'content-type': 'application/x-ndjson', prefer: 'return=minimal' };

/** Every tenth event goes to quarantine, every 25th revises the one before. */
function event(n: number): { id: string; n: number; text: string } {
  const id = `e${n % 25 === 24 ? n - 1 : n}`;
  return { id, n: n % 10 === 3 ? 2_000_000 + n : n, text: `é"\u2028\\ ${n / 7}` };
}

function eventIdOf(source: string, n: number): string {
  return createHash('sha256')
    .update(JSON.stringify([source, event(n).id]))
    .digest('hex')
    .slice(0, 32);
}

/** The proof of the nth event from 0, which is the source's n+1st, in whatever version. */
async function proofOf(server: Running, source: string, n: number): Promise<Json> {
  const { status, body } = await get(server.url, `/ingest/events/${eventIdOf(source, n)}/proof?seq=${n + 1}`);
  expect(status).toBe(200);
  return body;
}

function kindOf(n: number): string {
  return n % 10 === 3 ? 'quarantined' : 'record';
}

function expectValid(proofs: readonly Json[], options: Parameters<typeof verifyProof>[1], level: string): void {
  for (const proof of proofs) expect(verifyProof(proof, options)).toMatchObject({ valid: true, level });
}

describe('a mixed run', () => {
  const EVENTS = 400;
  const server = useServer({
    sources: [
      { id: 'mixed', policy: bounded },
      { id: 'second', stream: 'mixed' },
    ],
    streams: [{ id: 'mixed', publish: AT_ONCE }],
    anchorIntervalMs: 100,
  });
  let proofs: Json[] = [];

  beforeAll(async () => {
    for (let n = 0; n < EVENTS; n += 50) {
      const events = Array.from({ length: 50 }, (_, k) => event(n + k));
      expect((await post(server.url, { sourceId: 'mixed', events })).body.count).toBe(50);
      await post(server.url, { sourceId: 'second', events: events.slice(0, 2) });
      // Or one anchor at the end might do for all.
      if (n === 0) await anchoredProof(server.url, eventIdOf('mixed', 0));
    }
    await anchoredProof(server.url, eventIdOf('second', EVENTS - 49));
    await anchoredProof(server.url, eventIdOf('mixed', EVENTS - 1));
    proofs = await Promise.all(Array.from({ length: EVENTS }, (_, n) => proofOf(server, 'mixed', n)));
  });

  it('has a proof of every leaf, of each kind, from several packets', () => {
    expect(proofs.map(({ leaf }) => leaf.kind)).toEqual(proofs.map((_, n) => kindOf(n)));
    expect(proofs.map(({ leaf }) => leaf.seq)).toEqual(proofs.map((_, n) => n + 1));
    const revisions = proofs.filter(({ leaf }) => leaf.supersedes !== undefined).map(({ leaf }) => leaf.seq);
    // A leaf in quarantine has no place to name what it revises.
    expect(revisions).toEqual(proofs.flatMap((_, n) => (n % 25 === 24 ? [n + 1] : [])));
    for (const [n, { payload }] of proofs.entries())
      expect(payload).toEqual(kindOf(n) === 'record' ? event(n) : undefined);
    expect(new Set(proofs.map(({ versionId }) => versionId)).size).toBeGreaterThan(1);
  });

  it.each([
    ['without pins', () => ({ dev: true })],
    ['with the keys of the header leaf pinned', () => ({ ...pinsOf(server.dataDir, 'mixed'), dev: true, minConfs: 1 })],
  ])('our verifier accepts each, %s', (_how, options) => {
    expectValid(proofs, options(), 'anchored');
  });

  it.for<[string, () => PythonOptions]>([
    ['without pins', () => ({ dev: true })],
    ['with the keys of the header leaf pinned', () => ({ ...pinsOf(server.dataDir, 'mixed'), dev: true, minConfs: 1 })],
  ])('the independent one, too, %s', async ([_how, options], context) => {
    needsPython(context);
    const verdicts = await verifyInPython(proofs, options());
    expect(verdicts.filter(({ valid }) => !valid)).toEqual([]);
    for (const { level } of verdicts) expect(level).toMatch(/^anchored\(\d+\)$/);
  });

  describe('and whoever asks for more than there is', () => {
    const generator = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';

    it.for<[string, PythonOptions, string]>([
      ['the development chain without asking for it', {}, 'development-chain'],
      ['another publisher', { dev: true, publisher: generator }, 'signature-invalid'],
      ['another log key', { dev: true, logKey: otherLogKey() }, 'signature-invalid'],
      ['a thousand confirmations', { dev: true, minConfs: 1000 }, 'insufficient-confs'],
    ])('hears of both verifiers why not: %s', async ([_what, options, reason], context) => {
      const sample = proofs.filter((_, n) => n % 40 === 0);
      for (const proof of sample) expect(verifyProof(proof, options)).toMatchObject({ valid: false, reason });
      needsPython(context);
      const verdicts = await verifyInPython(sample, options);
      expect(verdicts.map((verdict) => verdict.reason)).toEqual(sample.map(() => reason));
    });
  });

  it('leaves nothing but time and other readers to trust, once the keys are pinned', async () => {
    const report = verifyProof(proofs[0], { ...pinsOf(server.dataDir, 'mixed'), dev: true });
    expect(report).toMatchObject({
      trusted: [expect.stringMatching(/same log/), expect.stringMatching(/development chain/)],
    });
  });
});

/** A well-formed key that no log here has. */
function otherLogKey(): string {
  const name = 'other.example/log';
  const key = Buffer.concat([Buffer.from([1]), Buffer.alloc(32, 7)]);
  const id = createHash('sha256').update(`${name}\n`).update(key).digest('hex').slice(0, 8);
  return `${name}+${id}+${key.toString('base64')}`;
}

describe('a log of more than 65,536 leaves', () => {
  const EVENTS = 66_000;
  /** Ends of tiles at three levels, of packets, and of the log. */
  const EDGES = [0, 254, 255, 256, 510, 511, 9_998, 9_999, 10_000, 19_999, 65_279, 65_534, 65_535, 65_536, EVENTS - 1];
  const server = useServer({ sources: [{ id: 'long', policy: bounded }], anchorIntervalMs: 500 });

  it('has valid proofs at every edge of its tiles and packets, and in between', async (context) => {
    const lines = Array.from({ length: EVENTS }, (_, n) => JSON.stringify(event(n)));
    const startedAt = performance.now();
    const { status, body } = await ingest(server.url, lines.join('\n'), NDJSON, '?sourceId=long');
    expect([status, body.count]).toEqual([200, EVENTS]);
    await settled(server.url, eventIdOf('long', EVENTS - 1));
    report(`${EVENTS} events in one request certified in ${(performance.now() - startedAt).toFixed(0)} ms`);
    await anchoredProof(server.url, eventIdOf('long', EVENTS - 1));
    const random = randomNumbers(66);
    const places = [...EDGES, ...Array.from({ length: 80 }, () => Math.floor(random() * EVENTS))];
    const proofs: Json[] = [];
    for (const n of places) proofs.push(await proofOf(server, 'long', n));
    expect(proofs.map(({ index }) => index)).toEqual(places.map((n) => n + 1));
    expect(Math.max(...proofs.map(({ inclusion }) => inclusion.length))).toBe(17);
    const pins = { ...pinsOf(server.dataDir, 'long'), dev: true, minConfs: 1 };
    expectValid(proofs, pins, 'anchored');
    needsPython(context);
    expect((await verifyInPython(proofs, pins)).filter(({ valid }) => !valid)).toEqual([]);
  });

  it('has each seq of its source once, in order, with revisions that name the version before', () => {
    const leaves = packetLines(server.dataDir)
      .map(({ leaf }) => leaf)
      .filter(({ kind }) => kind !== 'header')
      .toSorted((a, b) => a.seq - b.seq);
    expect(leaves.map(({ seq }) => seq)).toEqual(Array.from({ length: EVENTS }, (_, n) => n + 1));
    for (const { seq, supersedes } of leaves) {
      expect(supersedes).toEqual(seq % 25 === 0 ? ['long', seq - 1] : undefined);
    }
  });
});

describe('a log without a chain', () => {
  const server = useServer({ streams: [{ id: 'default', publish: AT_ONCE }], anchor: 'none' });

  it('has certified proofs, which say that nothing anchors them', async (context) => {
    const { body } = await post(server.url, { events: [1, 2, 3].map((n) => ({ id: `c${n}` })) });
    await settled(server.url, body.inserted[2]);
    const proofs: Json[] = [];
    for (const id of body.inserted) proofs.push((await get(server.url, `/ingest/events/${id}/proof`)).body);
    const pins = pinsOf(server.dataDir, 'default');
    expectValid(proofs, pins, 'certified');
    for (const proof of proofs) expect(verifyProof(proof, { minConfs: 1 })).toMatchObject({ reason: 'unanchored' });
    needsPython(context);
    expect((await verifyInPython(proofs, pins)).map(({ level }) => level)).toEqual(proofs.map(() => 'certified'));
    expect((await verifyInPython(proofs, { minConfs: 1 })).map(({ reason }) => reason)).toEqual(
      proofs.map(() => 'unanchored'),
    );
  });
});
