/** What several sources say of the same thing, over HTTP: the record, its inputs, its corrections, their proofs. */
import { canonicalize, eventId, verifyProof } from '@tidemark/proof';
import { describe, expect, it } from 'vitest';
import { get, type Json } from './client.ts';
import { anchoredProof, settled, wholeFeed } from './server.ts';
import { BASE, BUCKET, HASH, idOf, POLICY, sha256, useWeather } from './weather.ts';

const { server, read, fused } = useWeather();

describe('a fused record', () => {
  it('is an event of its own, with all that was said, and why it is what it is', async () => {
    const { evidence, candidates, ...event } = await fused('Rome');
    const { winner, reason } = evidence[0];
    const [decision, values] = [event.decision, { city: 'Rome', temp: 25 }];
    expect(event).toEqual({
      ...{ eventId: idOf('Rome'), sourceId: 'w-a', stream: 'weather', status: 'certified', eventTime: BUCKET },
      ...{ contentHash: sha256('{"city":"Rome","temp":25}'), normalized: values, raw: null, lastError: null },
      ...{ versionId: HASH, leafIndex: expect.any(Number), createdAt: expect.any(Number) },
      ...{ updatedAt: event.createdAt, sources: ['w-a', 'w-b', 'w-c'], decision: HASH, conflict: true },
    });
    expect(candidates.map(({ sourceId, values }: Json) => [sourceId, values.temp])).toEqual([
      ['w-a', 25],
      ['w-b', 40],
      ['w-c', 25.1],
    ]);
    expect(candidates[0]).toMatchObject({ eventId: eventId('w-a', 'rome'), seq: 1, voice: true, contentHash: HASH });
    expect(winner).toEqual(['w-a', 1]);
    expect(reason).toContain('Against: w-b (temp 40, not 25)');
    expect(evidence.map(({ step }: Json) => step).slice(0, 2)).toEqual(['fuse', 'certify']);
    expect(evidence[0]).toMatchObject({ decision, rule: 'quorum', outcome: 'resolved', conflict: true });
  });

  it('is traced to the audit entry that its leaf commits to', async () => {
    const { eventId, versions } = await read(`/ingest/events/${idOf('Rome')}/trace`);
    expect([eventId, versions.length]).toEqual([idOf('Rome'), 1]);
    const [{ audit, leaf, decision, steps, manifest }] = versions;
    expect(sha256(canonicalize(audit))).toBe(decision);
    expect([leaf.kind, leaf.decision, leaf.stream]).toEqual(['fused', decision, 'weather']);
    expect(steps[1].versionId).toBe(versions[0].steps.at(-1).versionId);
    expect(manifest.content.log.end).toBeGreaterThan(steps[1].leafIndex);
  });

  it('has a version for each correction, and answers the newest', async () => {
    const paris = await fused('Paris', 2);
    const [first, second] = paris.versions;
    expect(paris).toMatchObject({ decision: second.decision, leafIndex: second.leafIndex, conflict: true });
    expect([first.supersedes, second.supersedes]).toEqual([null, first.decision]);
    expect(paris.sources).toEqual(['w-a', 'w-b', 'w-c']);
    expect(paris.normalized).toEqual({ city: 'Paris', temp: 20.4 });
    expect(second.leafIndex).toBeGreaterThan(first.leafIndex);
    const { versions } = await read(`/ingest/events/${idOf('Paris')}/trace`);
    expect(versions.map(({ decision }: Json) => decision)).toEqual([first.decision, second.decision]);
    expect(versions[1].leaf.supersedes).toBe(first.decision);
  });

  it("of fields that were decided each by itself is nobody's alone", async () => {
    const lima = await fused('Lima', 1, 'places');
    expect(lima).toMatchObject({ sourceId: null, sources: ['w-x', 'w-y'], normalized: { city: 'Lima', temp: 18 } });
    expect(lima.evidence[0]).toMatchObject({ rule: 'first', winner: null, losers: [['w-y', 1]] });
  });

  it('that did not come about, for want of a quorum, has its candidates and the reason', async () => {
    const oslo = await fused('Oslo');
    expect(oslo).toMatchObject({ status: 'quarantined', sourceId: null, normalized: null, contentHash: null });
    expect(oslo.lastError).toBe(`no-quorum:${oslo.decision}`);
    expect(oslo.candidates).toHaveLength(2);
    expect(oslo.evidence[0]).toMatchObject({ outcome: 'quarantined', rule: 'no-quorum' });
  });

  it('has no seq, and no other id leads to it', async () => {
    const seq = await get(server.url, `/ingest/events/${idOf('Rome')}?seq=1`);
    expect([seq.status, seq.body.error]).toEqual([400, 'bad-request']);
    const other = await get(server.url, `/ingest/events/${idOf('Rome', 'places')}`);
    expect([other.status, other.body.error]).toEqual([404, 'not-found']);
  });
});

describe('an input of a fused record', () => {
  it.each([
    ['w-a', 'winner', 25],
    ['w-b', 'loser', 40],
    ['w-c', 'loser', 25.1],
  ])('of %s is certified with its own payload, and says that it was the %s', async (source, result, temp) => {
    const rome = await fused('Rome');
    const event = await settled(server.url, eventId(source, 'rome'));
    const normalized = { city: 'Rome', temp };
    expect(event).toMatchObject({
      ...{ status: 'certified', sourceId: source, stream: 'weather', normalized, lastError: null },
      ...{ contentHash: sha256(canonicalize(normalized)), versionId: rome.versionId, leafIndex: rome.leafIndex },
    });
    expect(event.raw.city).toBe('Rome');
    expect(event).not.toHaveProperty('versions');
    const [received, normalize, fuse, certify] = event.evidence;
    expect(received).toMatchObject({ step: 'received', seq: 1, rawHash: sha256(JSON.stringify(event.raw)) });
    expect(normalize).toEqual({ step: 'normalize', policyHash: sha256(canonicalize(POLICY)), issues: [] });
    expect(fuse).toMatchObject({
      step: 'fuse',
      eventId: rome.eventId,
      decision: rome.decision,
      rule: 'quorum',
      result,
    });
    expect(fuse.reason).toBe(rome.evidence[0].reason);
    expect(certify).toMatchObject({ step: 'certify', leafIndex: rome.leafIndex });
  });

  it('goes along when the record is corrected', async () => {
    const paris = await fused('Paris', 2);
    for (const source of ['w-a', 'w-b', 'w-c']) {
      const { leafIndex, evidence } = await settled(server.url, eventId(source, 'paris'));
      expect(leafIndex).toBe(paris.leafIndex);
      expect(evidence[2]).toMatchObject({ decision: paris.decision, supersedes: paris.versions[0].decision });
    }
  });

  it('that was held back for want of a quorum says so, and what its policy made of it', async () => {
    const oslo = await fused('Oslo');
    const event = await settled(server.url, eventId('w-c', 'oslo'));
    expect(event).toMatchObject({ status: 'quarantined', normalized: { city: 'Oslo', temp: 9 }, contentHash: null });
    expect(event.lastError).toBe(`no-quorum:${oslo.decision}`);
    expect(event.evidence.map(({ step }: Json) => step).slice(0, 4)).toEqual([
      'received',
      'normalize',
      'fuse',
      'certify',
    ]);
    expect(event.evidence[2]).toMatchObject({ eventId: oslo.eventId, result: 'undecided', outcome: 'quarantined' });
  });

  it('that waits for the others is received, with what its policy makes of it', async () => {
    const path = `/ingest/events/${eventId('s-a', 'held')}`;
    const event = await read(path);
    expect(event).toMatchObject({ status: 'received', normalized: { city: 'Bonn', temp: 11 }, leafIndex: null });
    expect(event.evidence.map(({ step }: Json) => step)).toEqual(['received', 'normalize']);
    expect((await get(server.url, `${path}/proof`)).status).toBe(409);
  });
});

describe('the proof', () => {
  it('of a fused record, and of each of its inputs, is that of the newest fused leaf', async () => {
    const ids = [idOf('Paris'), ...['w-a', 'w-b', 'w-c'].map((source) => eventId(source, 'paris'))];
    const { leafIndex, normalized } = await fused('Paris', 2);
    for (const id of ids) {
      const proof = await anchoredProof(server.url, id);
      expect([proof.leaf.kind, proof.index, proof.payload]).toEqual(['fused', leafIndex, normalized]);
      expect(verifyProof(proof, { dev: true })).toMatchObject({ valid: true, level: 'anchored' });
      const forged = { ...proof, payload: { city: 'Paris', temp: 35 } };
      expect(verifyProof(forged, { dev: true })).toMatchObject({ valid: false, reason: 'payload-mismatch' });
    }
  });

  it('of what did not come about is that of a candidate held back', async () => {
    const proof = await anchoredProof(server.url, idOf('Oslo'));
    const reasons = [`no-quorum:${(await fused('Oslo')).decision}`];
    expect(proof.leaf).toMatchObject({ kind: 'quarantined', reasonsHash: sha256(JSON.stringify(reasons)) });
    expect(verifyProof(proof, { dev: true })).toMatchObject({ valid: true });
  });
});

describe('lists', () => {
  it('/feed has the fused records in log order, and what was held back', async () => {
    const items = await wholeFeed(server.url, '&stream=weather');
    const [rome, paris] = [idOf('Rome'), idOf('Paris')];
    const kinds = items.map(({ eventId, status }) => [eventId, status]);
    expect(kinds).toHaveLength(5);
    expect(kinds.slice(0, 4)).toEqual(
      expect.arrayContaining([
        [rome, 'certified'],
        [paris, 'certified'],
        [eventId('w-a', 'oslo'), 'quarantined'],
        [eventId('w-c', 'oslo'), 'quarantined'],
      ]),
    );
    expect(kinds[4]).toEqual([paris, 'certified']);
    expect(items.map(({ leafIndex }) => leafIndex)).toEqual([1, 2, 3, 4, 5]);
    const item = items.find((one) => one.eventId === rome);
    const { raw, evidence, lastError, candidates, ...shown } = await fused('Rome');
    expect(item).toEqual(shown);
  });

  it('/feed of a source has the records that it had a say in', async () => {
    const of = async (source: string) => (await wholeFeed(server.url, `&sourceId=${source}`)).map((one) => one.eventId);
    expect(await of('w-x')).toEqual([idOf('Lima', 'places')]);
    expect(await of('w-b')).toEqual(expect.arrayContaining([idOf('Rome'), idOf('Paris'), idOf('Paris')]));
    expect(await of('s-a')).toEqual([]);
  });

  it('/feed is the same whatever the size of its pages', async () => {
    expect(await wholeFeed(server.url, '', 1)).toEqual(await wholeFeed(server.url));
  });

  it('/ingest/feed has what the sources sent, each with its own payload', async () => {
    const { items } = await read('/ingest/feed?sourceId=w-b');
    expect(items.map(({ eventId, status, normalized }: Json) => [eventId, status, normalized])).toEqual([
      [eventId('w-b', 'paris'), 'certified', { city: 'Paris', temp: 20.4 }],
      [eventId('w-b', 'rome'), 'certified', { city: 'Rome', temp: 40 }],
    ]);
    expect(items[1]).toMatchObject({ contentHash: sha256('{"city":"Rome","temp":40}') });
    expect(items[1].eventTime).toBe(new Date(BASE + 25).toISOString());
    const held = (await read('/ingest/feed?status=quarantined')).items;
    expect(held.map(({ eventId }: Json) => eventId)).toEqual([eventId('w-c', 'oslo'), eventId('w-a', 'oslo')]);
  });
});
