import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { boundedMessageBytes, type EventPublishPorts, eventPublish } from '../../src/notify/event-publish.ts';
import { MirrorError, mirrorTo } from '../../src/notify/event-publish-mirror.ts';
import { rowOf } from '../../src/notify/event-publish-row.ts';
import { inProcess, overHttp } from './event-publish-places.ts';
import { requestOf, runTable } from './event-publish-runner.ts';
import { PROFILES, ROWS, TOKEN } from './event-publish-table.ts';

const URL_HERE = 'http://tidemark.example/event-publish';
const usual = PROFILES.usual.settings;
const start = ROWS.find(({ name }) => name === 'embed.start')!;

describe('called as it is', () => {
  runTable({ open: inProcess });
});

describe('over HTTP', () => {
  runTable({ open: overHttp });
});

it('has a table that names each row once', () => {
  const names = ROWS.map(({ profile, name }) => `${profile}: ${name}`);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(60);
});

describe('MAX_MESSAGE_BYTES', () => {
  it.each([
    [undefined, 32_768],
    [Number.NaN, 32_768],
    [0, 1024],
    [-5, 1024],
    [1023, 1024],
    [1024, 1024],
    [4096.9, 4096],
    [512_000, 512_000],
    [512_001, 512_000],
    [Number.POSITIVE_INFINITY, 512_000],
  ])('%s is %i', (asked, held) => {
    expect(boundedMessageBytes(asked)).toBe(held);
  });
});

describe('a body that has no end', () => {
  /** Pieces of a kilobyte for ever, and how many of them were taken. */
  function endless() {
    const seen = { pieces: 0, cancelled: false };
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        seen.pieces++;
        controller.enqueue(new Uint8Array(1024).fill(0x20));
      },
      cancel() {
        seen.cancelled = true;
      },
    });
    return { body, seen };
  }

  it('is read no further than the longest message', async () => {
    const place = await inProcess(PROFILES['short messages']);
    const { body, seen } = endless();
    const headers = { authorization: `Bearer ${TOKEN}` };
    const request = new Request(URL_HERE, { method: 'POST', headers, body, duplex: 'half' });
    const response = await place.call(request);
    expect(response.status).toBe(413);
    expect(seen.cancelled).toBe(true);
    // Six bytes for each of a message, 4096 around it, and what a stream reads ahead.
    expect(seen.pieces).toBeLessThanOrEqual(6 + 4 + 2);
  });

  it('of a stranger is not read', async () => {
    const place = await inProcess(PROFILES.usual);
    const { body, seen } = endless();
    expect((await place.call(new Request(URL_HERE, { method: 'POST', body, duplex: 'half' }))).status).toBe(401);
    // What the stream has ready before anybody reads.
    expect(seen.pieces).toBeLessThanOrEqual(1);
  });

  it('over HTTP has its answer before it ends', async () => {
    const place = await overHttp(PROFILES['short messages']);
    const outgoing = httpRequest(place.url, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } });
    const answered = new Promise<string>((resolve, reject) => {
      outgoing.once('response', (answer) => resolve(text(answer)));
      outgoing.once('error', reject);
    });
    outgoing.write(Buffer.alloc(20_000, ' '));
    expect(JSON.parse(await answered)).toEqual({ error: 'Message too large' });
    outgoing.destroy();
    await place.close();
  });

  it('that breaks off is no JSON', async () => {
    const place = await inProcess(PROFILES.usual);
    const body = new ReadableStream({ pull: (controller) => controller.error(new TypeError('gone')) });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await place.call(new Request(URL_HERE, { method: 'POST', headers, body, duplex: 'half' }));
    expect([response.status, await response.json()]).toEqual([400, { error: 'Invalid JSON' }]);
  });
});

it('says what it wants', async () => {
  const place = await inProcess(PROFILES.usual);
  const get = await place.call(new Request(URL_HERE));
  expect(get.headers.get('allow')).toBe('POST');
  const stranger = await place.call(new Request(URL_HERE, { method: 'POST' }));
  expect(stranger.headers.get('www-authenticate')).toBe('Bearer');
});

describe('warnings', () => {
  it('say what is wrong with an event that is published all the same', async () => {
    const place = await inProcess(PROFILES.warn);
    await place.call(requestOf(ROWS.find(({ profile }) => profile === 'warn')!, URL_HERE));
    expect(place.warnings).toEqual([
      'Invalid event: status is neither "success" nor "failed"; processed is missing; published on ingest_updates all the same',
    ]);
  });

  it.each([
    ['rows cannot be kept', 'publish failed on embed_updates: nothing can be kept'],
    ['nothing can be published', 'publish failed on embed_updates: nothing can be published'],
    ['the mirror fails', 'mirror failed: no mirror'],
  ] as const)('say that %s', async (profile, warning) => {
    const place = await inProcess(PROFILES[profile]);
    await place.call(requestOf(start, URL_HERE));
    expect(place.warnings).toEqual([warning]);
  });

  it('are not made of sound events, nor where schemas are off', async () => {
    for (const profile of ['usual', 'warn', 'enforce'] as const) {
      const place = await inProcess(PROFILES[profile]);
      for (const row of ROWS.filter((one) => one.profile === 'usual' && one.status === 200)) {
        if (profile === 'usual' || row === start) await place.call(requestOf(row, URL_HERE));
      }
      expect(place.warnings).toEqual([]);
    }
  });
});

describe('order', () => {
  function ports(events: string[]): EventPublishPorts {
    return {
      persist: async () => void events.push('persist'),
      publish: async () => {
        events.push('publish');
        return 'published';
      },
      mirror: async ({ ts, channel, event, batch_tag }) => {
        events.push(`mirror ${JSON.stringify({ ts, channel, event, batch_tag })}`);
        await new Promise(() => undefined);
      },
      warn: (message) => events.push(message),
      now: () => 0,
    };
  }

  it('is persist, publish, mirror, and nobody waits for the mirror', async () => {
    const events: string[] = [];
    const response = await eventPublish(usual, ports(events))(requestOf(start, URL_HERE));
    expect(response.status).toBe(200);
    const record = { ts: 1_700_000_013, channel: 'embed_updates', event: 'embed.start', batch_tag: 't' };
    expect(events).toEqual(['persist', 'publish', `mirror ${JSON.stringify(record)}`]);
  });

  it.each([
    ['held back', async () => 'held' as const],
    ['not published', () => Promise.reject(new TypeError('no'))],
  ])('has no mirror for what is %s', async (_, publish) => {
    const mirror = vi.fn(async () => undefined);
    await eventPublish(usual, { ...ports([]), publish, mirror })(requestOf(start, URL_HERE));
    expect(mirror).not.toHaveBeenCalled();
  });
});

describe('a row', () => {
  it('keeps the message as it is, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (message) => {
        const row = rowOf('c', message, 5_000);
        expect(row.message).toBe(message);
        expect(Number.isFinite(row.ts)).toBe(true);
      }),
    );
  });

  it('has a given time to the millisecond, in whatever form it is given', () => {
    const times = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
    fc.assert(
      fc.property(times, fc.integer({ min: -14, max: 14 }), (date, hours) => {
        const seconds = date.getTime() / 1000;
        const there = new Date(date.getTime() + hours * 3_600_000).toISOString().slice(0, -1);
        fc.pre(/^\d/.test(there) && date.getTime() + hours * 3_600_000 >= 0);
        const zone = `${hours < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}`;
        const given = [seconds, String(seconds), date.toISOString(), `${there}${zone}`, `${there}${zone}:00`];
        for (const ts of given) expect(rowOf('c', JSON.stringify({ ts }), -1).ts).toBe(seconds);
      }),
    );
  });
});

describe('a mirror', () => {
  const servers: { close: () => void }[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function receiver(status: number, headers: Record<string, string> = {}) {
    const received: { headers: unknown; method: string | undefined; body: string }[] = [];
    const server = createServer(async (request, response) => {
      received.push({ method: request.method, headers: request.headers['content-type'], body: await text(request) });
      if (status === 0) return;
      response.writeHead(status, headers).end('thanks');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    servers.push({ close: () => server.close() && server.closeAllConnections() });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/series`, received };
  }

  const record = { ts: 1_700_000_000.5, channel: 'ingest_updates', event: 'gate.open', batch_tag: null };
  const codeOf = (work: Promise<void>) =>
    work.then(
      () => 'none',
      (error) => (error as MirrorError).code,
    );

  it('gets the record as JSON', async () => {
    const { url, received } = await receiver(204);
    await mirrorTo(url)(record);
    const body = '{"ts":1700000000.5,"channel":"ingest_updates","event":"gate.open","batch_tag":null}';
    expect(received).toEqual([{ method: 'POST', headers: 'application/json', body }]);
  });

  it('that answers no 2xx has refused', async () => {
    expect(await codeOf(mirrorTo((await receiver(500)).url)(record))).toBe('refused');
    expect(await codeOf(mirrorTo((await receiver(404)).url)(record))).toBe('refused');
  });

  it('that sends elsewhere is not followed', async () => {
    const elsewhere = await receiver(200);
    const { url } = await receiver(307, { location: elsewhere.url });
    expect(await codeOf(mirrorTo(url)(record))).toBe('unreachable');
    expect(elsewhere.received).toEqual([]);
  });

  it('that does not answer is given up', async () => {
    const { url, received } = await receiver(0);
    expect(await codeOf(mirrorTo(url, { timeoutMs: 50 })(record))).toBe('unreachable');
    expect(received).toHaveLength(1);
  });

  it('is not named where it fails: its URL may have a secret', async () => {
    const failure = await mirrorTo('http://127.0.0.1:1/series?key=secret')(record).catch((error) => error);
    expect(failure).toBeInstanceOf(MirrorError);
    expect(failure.message).not.toContain('secret');
  });
});
