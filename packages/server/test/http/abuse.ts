/** What all tests of bad input share: the shape of a refusal, and the neighbour that must not notice. */
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Call, get, ingest, type Json, post } from './client.ts';
import { AT_ONCE, type Running, report, residentMiB, settled, useServer } from './server.ts';

export const MIB = 1024 * 1024;
export const JSON_TYPE = { 'content-type': 'application/json' };
export const NDJSON = { 'content-type': 'application/x-ndjson' };
export const CSV = { 'content-type': 'text/csv' };
export const GZIP = { ...JSON_TYPE, 'content-encoding': 'gzip' };

/** A body, and the refusal that it has coming. */
export type Row = [what: string, body: Call['body'], headers: Record<string, string>, status: number, error: string];

/** That many lists in each other. */
export function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

export interface Abused {
  server: Running;
  expectProblem(row: Row): Promise<Json>;
  goodEventIsCertified(): Promise<void>;
  metric(name: string): Promise<number>;
  /** A request to the intake whose body is written by hand. */
  open(headers: string[]): Socket;
}

/** A server that is mistreated; after each test a good event is sent, and has to be certified. */
export function useAbusedServer(): Abused {
  const server = useServer({ streams: [{ id: 'default', publish: AT_ONCE }] });
  let goodEvents = 0;
  const goodEventIsCertified = async () => {
    const { status, body } = await post(server.url, { events: [{ id: `good-${goodEvents++}` }] });
    expect(status).toBe(200);
    expect((await settled(server.url, body.inserted[0])).status).toBe('certified');
  };
  beforeAll(goodEventIsCertified);
  afterEach(goodEventIsCertified);
  return {
    server,
    goodEventIsCertified,
    async expectProblem([, body, headers, status, error]) {
      const reply = await ingest(server.url, body, headers);
      expect([reply.status, reply.body?.error]).toEqual([status, error]);
      expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(reply.body).toMatchObject({
        type: `urn:tidemark:problem:${error}`,
        title: expect.any(String),
        status,
        hint: expect.any(String),
        instance: '/ingest/events',
      });
      return reply.body;
    },
    async metric(name) {
      const { text } = await get(server.url, '/metrics');
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
    },
    open(headers) {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      socket.write(['POST /ingest/events HTTP/1.1', 'host: localhost', ...headers, '', ''].join('\r\n'));
      return socket;
    },
  };
}

/** To be called after all other tests of the file. */
export function expectNoTraces({ server, metric }: Abused): void {
  let residentBefore: number | undefined;
  beforeAll(() => {
    residentBefore = residentMiB(server.process.pid);
  });
  describe('after all that', () => {
    it('no answer was a 5xx, nothing of any body is held, and memory is where it was', async () => {
      const { text } = await get(server.url, '/metrics');
      expect(text).not.toMatch(/code="5/);
      expect(await metric('tidemark_bodies_in_flight_bytes')).toBe(0);
      const resident = residentMiB(server.process.pid);
      if (resident === undefined || residentBefore === undefined) return;
      report(`resident memory: ${residentBefore.toFixed(0)} MiB before, ${resident.toFixed(0)} MiB after`);
      // Beyond the bound on all bodies together (128 MiB) there is room for what the collector has not yet returned.
      expect(resident - residentBefore).toBeLessThan(256);
    });
  });
}
