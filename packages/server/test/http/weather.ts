/** A server with streams that fuse, and what it was told: agreement, conflict, no quorum, a late correction. */
import { createHash } from 'node:crypto';
import { fusedEventId } from '@tidemark/proof';
import { beforeAll, expect } from 'vitest';
import { get, type Json, post } from './client.ts';
import { AT_ONCE, eventually, type Running, useServer } from './server.ts';

export const POLICY = { map: { city: 'city', temp: 'temp' }, required: ['temp'], coerce: { temp: 'number' } };
const fusion = {
  ...{ strategy: 'quorum', key: ['city'], bucketMs: 1000, min: 2, tolerance: { temp: 0.5 } },
  onNoQuorum: 'quarantine',
};
/** Long enough for all sources to be heard, on a machine that has other work too. */
const order = { bufferMs: 50, idleMs: 1500 };
const SETTINGS = {
  sources: [
    ...['w-a', 'w-b', 'w-c'].map((id) => ({ id, stream: 'weather', policy: POLICY })),
    ...['w-x', 'w-y'].map((id) => ({ id, stream: 'places', policy: POLICY })),
    ...['s-a', 's-b'].map((id) => ({ id, stream: 'slow', policy: POLICY })),
  ],
  streams: [
    { id: 'weather', publish: AT_ONCE, fusion, order },
    {
      id: 'places',
      publish: AT_ONCE,
      fusion: { strategy: 'first', key: ['city'], bucketMs: 1000, fields: 'each' },
      order,
    },
    { id: 'slow', publish: AT_ONCE, fusion, order: { bufferMs: 86_400_000, idleMs: 86_400_000 } },
  ],
  anchorIntervalMs: 100,
};

export const BASE = Math.floor(Date.now() / 1000) * 1000 - 60_000;
export const BUCKET = new Date(BASE).toISOString();
export const HASH = expect.stringMatching(/^[0-9a-f]{64}$/);
export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
export const idOf = (city: string, stream = 'weather') => fusedEventId(stream, [city], BUCKET);
export const said = (id: string, city: string, temp: unknown, t = 10) => ({
  id,
  city,
  temp,
  ts: new Date(BASE + t).toISOString(),
});

export interface Weather {
  readonly server: Running;
  send(sourceId: string, ...events: object[]): Promise<void>;
  /** The body of an answer that is 200. */
  read(path: string): Promise<Json>;
  /** The fused record once it has so many versions. */
  fused(city: string, versions?: number, stream?: string): Promise<Json>;
}

/** Before the first test of the file, all that is said is decided. */
export function useWeather(): Weather {
  const server = useServer(SETTINGS);

  async function send(sourceId: string, ...events: object[]): Promise<void> {
    const { status, body } = await post(server.url, { sourceId, events });
    expect([status, body.count]).toEqual([200, events.length]);
  }

  async function read(path: string): Promise<Json> {
    const { status, body } = await get(server.url, path);
    expect(status).toBe(200);
    return body;
  }

  function fused(city: string, versions = 1, stream?: string): Promise<Json> {
    return eventually(async () => {
      const body = await read(`/ingest/events/${idOf(city, stream)}`);
      expect(body.versions?.length ?? 1).toBe(versions);
      return body;
    });
  }

  beforeAll(async () => {
    await send('w-a', said('rome', 'Rome', '25', 30), said('paris', 'Paris', 20), said('oslo', 'Oslo', 1));
    await send('w-b', said('rome', 'Rome', 40, 25), said('paris', 'Paris', 20.4, 15));
    await send('w-c', said('rome', 'Rome', 25.1, 22), said('oslo', 'Oslo', 9));
    await send('w-x', said('lima', 'Lima', 18, 5));
    await send('w-y', said('lima', 'Lima', 19));
    await send('s-a', said('held', 'Bonn', '11'));
    for (const city of ['Rome', 'Paris', 'Oslo']) await fused(city);
    await fused('Lima', 1, 'places');
    await send('w-c', said('paris', 'Paris', 35, 12));
    await fused('Paris', 2);
  });

  return { server, send, read, fused };
}
