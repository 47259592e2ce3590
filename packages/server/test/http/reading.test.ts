/** Public and private streams: who may follow, page, prove and audit them. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { call, get, post } from './client.ts';
import { AT_ONCE, eventually, useServer } from './server.ts';
import { Watcher } from './watcher.ts';

const ACME = { authorization: 'Bearer acme-acme-acme-acme' };
const AUDITOR = { authorization: 'Bearer auditor-auditor-auditor' };
const NOBODY = { authorization: 'Bearer nobody-nobody-nobody' };

const server = useServer({
  sources: ['open', 'closed', 'other'].map((id) => ({ id })),
  streams: [
    { id: 'open', visibility: 'public', publish: AT_ONCE },
    { id: 'closed', visibility: 'private', publish: AT_ONCE },
    { id: 'other', visibility: 'private', publish: AT_ONCE },
  ],
  readTokens: [
    { id: 'acme', token: 'acme-acme-acme-acme', streams: ['closed'] },
    { id: 'auditor', token: 'auditor-auditor-auditor' },
  ],
  anchor: 'none',
});
const admin = () => ({ authorization: `Bearer ${readFileSync(server.process.adminTokenFile, 'utf8').trim()}` });

const ids: Record<string, string> = {};

async function publish(id: string): Promise<void> {
  for (const sourceId of ['open', 'closed', 'other']) {
    const { body } = await post(server.url, { sourceId, events: [{ id }] });
    ids[sourceId] = body.inserted[0];
  }
  for (const eventId of Object.values(ids)) {
    await eventually(async () => {
      expect((await get(server.url, `/ingest/events/${eventId}`, admin())).body.status).toBe('certified');
    });
  }
}

beforeAll(() => publish('first'));

async function answers(headers: Record<string, string>, path: (stream: string) => string): Promise<unknown[]> {
  return Promise.all(
    ['open', 'closed', 'other'].map(async (stream) => {
      const { status, body } = await get(server.url, path(stream), headers);
      return status === 200 ? 200 : `${status} ${body.error}`;
    }),
  );
}

describe.each([
  ['nobody', {}, [200, '401 token-required', '401 token-required']],
  ['a reader of one stream', ACME, [200, 200, '403 stream-not-allowed']],
  ['a reader of all', AUDITOR, [200, 200, 200]],
  ['whoever has a wrong token', NOBODY, ['401 token-invalid', '401 token-invalid', '401 token-invalid']],
])('%s', (_, headers: Record<string, string>, expected) => {
  it.each([
    ['pages', (stream: string) => `/feed?stream=${stream}`],
    ['checkpoints', (stream: string) => `/log/${stream}/checkpoint`],
    ['tiles', (stream: string) => `/log/${stream}/tile/entries/000.p/2`],
    ['keys', (stream: string) => `/log/${stream}/key`],
  ])('%s', async (_, path) => {
    expect(await answers(headers, path)).toEqual(expected);
  });

  it('proofs, of which it is not said that there are any', async () => {
    const hidden = expected.map((one) =>
      one === 200 || String(one).startsWith('401 token-i') ? one : '404 not-found',
    );
    expect(await answers(headers, (stream) => `/ingest/events/${ids[stream]}/proof`)).toEqual(hidden);
  });

  it('live', async () => {
    const all = await Promise.all(
      ['open', 'closed', 'other'].map(async (stream) => {
        const watcher = await Watcher.open(server.url, `?stream=${stream}&since=earliest&type=certified`, headers);
        onTestFinished(() => watcher.close());
        if (watcher.status !== 200) return watcher.status;
        await watcher.until((one) => one.messages().length > 0);
        watcher.close();
        return watcher.messages()[0].stream === stream ? 200 : 'another';
      }),
    );
    const statuses = expected.map((one) => (one === 200 ? 200 : Number(String(one).slice(0, 3))));
    expect(all).toEqual(statuses);
  });
});

describe('without a stream named', () => {
  it('the live feed is of those that may be read', async () => {
    const seen = await Promise.all(
      [{}, ACME, AUDITOR].map(async (headers) => {
        const watcher = await Watcher.open(server.url, '?type=certified', headers);
        onTestFinished(() => watcher.close());
        await watcher.until(({ frames }) => frames.length > 0);
        return watcher;
      }),
    );
    await publish('second');
    const [nobody, acme, auditor] = seen;
    await auditor!.until((one) => one.messages().length === 3);
    await acme!.until((one) => one.messages().length === 2);
    await nobody!.until((one) => one.messages().length === 1);
    expect(seen.map((one) => one.messages().map(({ stream }) => stream))).toEqual([
      ['open'],
      ['open', 'closed'],
      ['open', 'closed', 'other'],
    ]);
  });

  it('pages are for those who may read all', async () => {
    expect((await get(server.url, '/feed')).status).toBe(401);
    expect((await get(server.url, '/feed', ACME)).status).toBe(400);
    expect((await get(server.url, '/feed', AUDITOR)).status).toBe(200);
    expect((await get(server.url, '/feed', admin())).status).toBe(200);
  });

  it('the list of logs has those that may be read', async () => {
    const listed = async (headers: Record<string, string>) =>
      (await get(server.url, '/log', headers)).body.items.map(({ stream }: { stream: string }) => stream);
    expect(await listed({})).toEqual(['open']);
    expect((await listed(ACME)).toSorted()).toEqual(['closed', 'open']);
    expect((await listed(AUDITOR)).toSorted()).toEqual(['closed', 'open', 'other']);
  });
});

it('what is not of one stream alone is for the administrator', async () => {
  for (const path of ['/ingest/feed', `/ingest/events/${ids.open}`, `/ingest/events/${ids.open}/trace`, '/rollups']) {
    for (const headers of [{}, AUDITOR]) expect((await get(server.url, path, headers)).status).toBe(401);
    expect((await get(server.url, path, admin())).status).toBe(200);
  }
});

describe('a token in the URL', () => {
  async function token(headers: Record<string, string>): Promise<string> {
    const { status, body, headers: answered } = await call(server.url, '/watch/token', { method: 'POST', headers });
    expect([status, answered['cache-control']]).toEqual([200, 'no-store']);
    expect(Date.parse(body.expiresAt)).toBeGreaterThan(Date.now());
    return encodeURIComponent(body.token);
  }

  it('reads what its reader does, over both transports', async () => {
    const passing = await token(ACME);
    const statuses = await answers({}, (stream) => `/feed?stream=${stream}&token=${passing}`);
    expect(statuses).toEqual([200, 200, '403 stream-not-allowed']);
    const url = `${server.url.replace('http', 'ws')}/watch?since=earliest&type=certified&stream=closed&token=${passing}`;
    const webSocket = new WebSocket(url);
    onTestFinished(() => webSocket.terminate());
    const messages: string[] = [];
    webSocket.on('message', (data) => messages.push(JSON.parse(String(data)).type));
    await eventually(() => expect(messages).toContain('certified'));
  });

  it('is none where it was not issued here, and none is issued to whoever has none', async () => {
    for (const wrong of ['nonsense', `${await token(ACME)}x`]) {
      const { status, body } = await get(server.url, `/feed?stream=closed&token=${wrong}`);
      expect([status, body.error]).toEqual([401, 'token-invalid']);
    }
    expect((await call(server.url, '/watch/token', { method: 'POST' })).status).toBe(401);
  });
});
