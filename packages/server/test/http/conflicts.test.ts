/** The audit trail of fusion decisions over HTTP, and conflicts as watchers hear of them. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { get, type Json } from './client.ts';
import { Watcher } from './watcher.ts';
import { BUCKET, HASH, idOf, said, useWeather } from './weather.ts';

const { server, send, read, fused } = useWeather();

describe('/ingest/conflicts', () => {
  const keys = (items: Json[]) => items.map(({ key }) => key[0]);

  it('has each conflict with everything that it was decided on, the newest first', async () => {
    const { items, nextCursor } = await read('/ingest/conflicts?stream=weather');
    expect(nextCursor).toBeNull();
    expect(keys(items)).toEqual([
      'Paris',
      ...['Oslo', 'Rome'].sort((a, b) => keys(items).indexOf(a) - keys(items).indexOf(b)),
    ]);
    const rome = items.find(({ key }: Json) => key[0] === 'Rome');
    const { decision, versionId, leafIndex } = await fused('Rome');
    const { versions } = await read(`/ingest/events/${idOf('Rome')}/trace`);
    const { v, candidates, ...audit } = versions[0].audit;
    expect(rome).toEqual({
      ...{ ...audit, decisionId: decision, eventId: idOf('Rome'), conflict: true, versionId, leafIndex },
      decidedAt: versions[0].steps[1].at,
      candidates: candidates.map(({ source, ...candidate }: Json) => ({ sourceId: source, ...candidate })),
    });
    expect(rome).toMatchObject({ bucket: BUCKET, rule: 'quorum', winner: ['w-a', 1], stream: 'weather' });
    expect(rome.candidates[1]).toMatchObject({
      sourceId: 'w-b',
      contentHash: HASH,
      values: { city: 'Rome', temp: 40 },
    });
  });

  it('has decisions on which all agree when asked for all', async () => {
    const { items } = await read('/ingest/conflicts?stream=weather&all=true');
    expect(items).toHaveLength(4);
    const [corrected, ...others] = items.filter(({ key }: Json) => key[0] === 'Paris');
    expect(others.map(({ conflict, decisionId }: Json) => [conflict, decisionId])).toEqual([
      [false, corrected.supersedes],
    ]);
    expect((await read('/ingest/conflicts?all=false')).items).toHaveLength(4);
  });

  it('gives pages that later conflicts do not shift', async () => {
    const whole = (await read('/ingest/conflicts?all=true')).items;
    expect(whole).toHaveLength(5);
    const first = await read('/ingest/conflicts?all=true&limit=2');
    await send('w-x', said('quito', 'Quito', 1, 5));
    await send('w-y', said('quito', 'Quito', 2));
    // Late, so that the first is decided by itself, and the second corrects it.
    await fused('Quito', 2, 'places');
    const second = await read(`/ingest/conflicts?all=true&limit=2&cursor=${first.nextCursor}`);
    const third = await read(`/ingest/conflicts?all=true&limit=2&cursor=${second.nextCursor}`);
    expect([...first.items, ...second.items, ...third.items]).toEqual(whole);
    expect(third.nextCursor).toBeNull();
    expect(keys((await read('/ingest/conflicts?limit=1')).items)).toEqual(['Quito']);
  });

  it('of a stream without any is empty', async () => {
    for (const stream of ['slow', 'nowhere', '__proto__']) {
      expect(await read(`/ingest/conflicts?stream=${stream}`)).toEqual({ items: [], nextCursor: null });
    }
  });

  it.each(['all=yes', 'limit=0', 'limit=1001', 'cursor=x', `cursor=${'0'.repeat(64)}`, 'stream=a&stream=b', 'since=1'])(
    'refuses %s',
    async (query) => {
      const { status, body } = await get(server.url, `/ingest/conflicts?${query}`);
      expect([status, body.error]).toEqual([400, 'bad-request']);
    },
  );

  it('refuses the cursor of another stream', async () => {
    const [{ decisionId }] = (await read('/ingest/conflicts?stream=places')).items;
    expect((await get(server.url, `/ingest/conflicts?stream=weather&cursor=${decisionId}`)).status).toBe(400);
  });
});

describe('a watcher', () => {
  it('hears of a conflict as it is decided, once, and again of none when it comes back', async () => {
    const query = '?type=conflict,certified&sourceId=w-y';
    const watcher = await Watcher.open(server.url, query);
    onTestFinished(() => watcher.close());
    await send('w-x', said('cuzco', 'Cuzco', 1, 5));
    await send('w-y', said('cuzco', 'Cuzco', 2));
    await watcher.until((one) => one.messages().length === 2);
    const [conflict, certified] = watcher.messages();
    expect(conflict).toMatchObject({ type: 'conflict', eventId: idOf('Cuzco', 'places'), outcome: 'resolved' });
    expect(certified).toMatchObject({ type: 'certified', decision: conflict.decisionId, conflict: true });
    const [, first] = watcher.frames;
    const again = await Watcher.open(server.url, query, { 'last-event-id': first!.id! });
    onTestFinished(() => again.close());
    await again.until((one) => one.messages().length > 0);
    expect(again.messages()).toEqual([certified]);
  });
});
