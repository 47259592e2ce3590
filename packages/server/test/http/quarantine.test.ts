import { createHash } from 'node:crypto';
import { verifyProof } from '@tidemark/proof';
import { describe, expect, it, onTestFinished } from 'vitest';
import { get, type Json, post } from './client.ts';
import { AT_ONCE, anchoredProof, settled, useServer } from './server.ts';
import { Watcher } from './watcher.ts';

const policy = {
  map: { temp: 'reading.value', at: 'when', unit: { const: 'C' }, note: { path: 'note', default: '-' } },
  required: ['temp', 'at'],
  coerce: { temp: 'number', at: 'iso8601->epoch' },
  constraints: { bounds: { temp: { min: -50, max: 60 } } },
  timeField: 'when',
};

const server = useServer({
  sources: [
    { id: 'strict', policy },
    { id: 'lenient', policy: { ...policy, onIssue: 'certify' } },
    {
      id: 'whole',
      policy: { coercion: { flag: 'boolean', n: 'integer' }, constraints: { bounds: { n: { min: 0 } } } },
    },
  ],
  streams: ['strict', 'lenient', 'whole'].map((id) => ({ id, publish: AT_ONCE })),
  anchorIntervalMs: 100,
});

const WHEN = '2026-03-01T12:00:00Z';

async function fate(sourceId: string, event: object): Promise<Json> {
  const { status, body } = await post(server.url, { sourceId, events: [event] });
  expect([status, body.count]).toEqual([200, 1]);
  return settled(server.url, body.inserted[0]);
}

describe('a policy', () => {
  it.each([
    ['required-missing:temp', { when: WHEN }],
    ['required-missing:temp', { when: WHEN, reading: { value: null } }],
    ['required-missing:at', { reading: { value: 5 } }],
    ['bounds-min:temp:-51<-50', { when: WHEN, reading: { value: -51 } }],
    ['bounds-max:temp:60.5>60', { when: WHEN, reading: { value: '60.5' } }],
    ['coercion-NaN:temp:abc', { when: WHEN, reading: { value: 'abc' } }],
    ['coercion-NaN:temp:', { when: WHEN, reading: { value: '' } }],
    ['coercion-NaN:temp:true', { when: WHEN, reading: { value: true } }],
    ['coercion-NaN:temp:[object]', { when: WHEN, reading: { value: {} } }],
    ['required-missing:temp; required-missing:at', { when: null }],
  ])('puts into quarantine with %s', async (lastError, event) => {
    const id = createHash('sha256').update(JSON.stringify(event)).digest('hex');
    const found = await fate('strict', { id, ...event });
    const { status, normalized, contentHash, evidence } = found;
    expect([status, found.lastError, normalized, contentHash]).toEqual(['quarantined', lastError, null, null]);
    expect(found.raw).toEqual({ id, ...event });
    expect(evidence[1]).toMatchObject({ step: 'normalize', issues: lastError.split('; ') });
  });

  it('maps, coerces and fills in what it accepts', async () => {
    const raw = { id: 'good', when: '2026-03-01T13:00:00+01:00', reading: { value: '21.50' } };
    const { status, normalized, eventTime, contentHash, lastError } = await fate('strict', raw);
    expect([status, lastError]).toEqual(['certified', null]);
    expect(normalized).toEqual({ temp: 21.5, at: 1772366400, unit: 'C', note: '-' });
    expect(eventTime).toBe('2026-03-01T12:00:00.000Z');
    const canonical = '{"at":1772366400,"note":"-","temp":21.5,"unit":"C"}';
    expect(contentHash).toBe(createHash('sha256').update(canonical).digest('hex'));
  });

  it('is strict with words for truth, and passes the rest of a whole event through', async () => {
    const good = await fate('whole', { id: 'w1', flag: 'false', n: '7', more: { x: [1, 'a'] } });
    expect(good.normalized).toEqual({ id: 'w1', flag: false, n: 7, more: { x: [1, 'a'] } });
    const bad = await fate('whole', { id: 'w2', flag: 'perhaps', n: -1 });
    expect([bad.status, bad.lastError]).toEqual(['quarantined', 'coercion-NaN:flag:perhaps; bounds-min:n:-1<0']);
  });

  it('certifies with the issues in evidence where it says so', async () => {
    const { status, normalized, evidence, lastError } = await fate('lenient', {
      id: 'hot',
      when: WHEN,
      reading: { value: 99 },
    });
    expect([status, normalized.temp, lastError]).toEqual(['certified', 99, null]);
    expect(evidence[1].issues).toEqual(['bounds-max:temp:99>60']);
  });
});

describe('quarantine', () => {
  it('is told to watchers, listed, and proven with the hash of the reasons', async () => {
    const watcher = await Watcher.open(server.url, '?type=quarantined,certified');
    onTestFinished(() => watcher.close());
    const found = await fate('strict', { id: 'proven', when: WHEN, reading: { value: 1000 } });
    await watcher.until((one) => one.messages().length > 0);
    const reasons = ['bounds-max:temp:1000>60'];
    expect(watcher.messages()).toEqual([
      expect.objectContaining({ type: 'quarantined', eventId: found.eventId, reasons, leafIndex: found.leafIndex }),
    ]);
    const { body } = await get(server.url, '/ingest/feed?status=quarantined&limit=1');
    expect(body.items[0].eventId).toBe(found.eventId);
    const proof = await anchoredProof(server.url, found.eventId);
    expect(proof.leaf.kind).toBe('quarantined');
    expect(proof).not.toHaveProperty('payload');
    expect(proof.leaf.reasonsHash).toBe(createHash('sha256').update(JSON.stringify(reasons)).digest('hex'));
    expect(verifyProof(proof, { dev: true })).toMatchObject({ valid: true, level: 'anchored' });
  });

  it('takes no neighbour along', async () => {
    const events = [20, 200, 21].map((value, n) => ({ id: `n${n}`, when: WHEN, reading: { value } }));
    const { body } = await post(server.url, { sourceId: 'strict', events });
    const fates = await Promise.all(body.inserted.map((id: string) => settled(server.url, id)));
    expect(fates.map(({ status }) => status)).toEqual(['certified', 'quarantined', 'certified']);
  });
});
