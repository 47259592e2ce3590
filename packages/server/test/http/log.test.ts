/** The log over HTTP, as a client that knows C2SP tlog-tiles and RFC 9162 and nothing else reads it. */
import {
  canonicalize,
  decodeEntries,
  formatTilePath,
  fromHex,
  hashesAt,
  leafHash,
  parseCheckpoint,
  parseVerifierKey,
  rootOf,
  tileNodes,
  toHex,
  verifyCheckpoint,
  verifyConsistency,
} from '@tidemark/proof';
import { beforeAll, describe, expect, it } from 'vitest';
import { call, get, post } from './client.ts';
import { AT_ONCE, eventually, NEVER, packetLines, pinsOf, settled, useServer } from './server.ts';

const EVENTS = 600;
const server = useServer({
  sources: [{ id: 'meter' }, { id: 'slow' }],
  streams: [
    { id: 'meter', publish: { ...AT_ONCE, maxEvents: 100 } },
    { id: 'slow', publish: NEVER },
  ],
});

/** A body as bytes. */
async function bytes(path: string): Promise<Uint8Array> {
  const response = await fetch(new URL(path, server.url));
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/octet-stream');
  expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  return new Uint8Array(await response.arrayBuffer());
}

const checkpoint = async (query = '') => {
  const { status, text } = await get(server.url, `/log/meter/checkpoint${query}`);
  expect(status).toBe(200);
  return parseCheckpoint(text);
};

const hashes = (tile: Uint8Array) => tile.length / 32;

beforeAll(async () => {
  const events = Array.from({ length: EVENTS }, (_, n) => ({ id: `e${n}`, n }));
  for (const part of [events.slice(0, 250), events.slice(250)]) {
    const { body } = await post(server.url, { sourceId: 'meter', events: part });
    await settled(server.url, body.inserted.at(-1));
  }
  await post(server.url, { sourceId: 'slow', events: [{ id: 'waits' }] });
  await eventually(async () => expect((await get(server.url, '/log/slow/key')).status).toBe(200));
});

describe('the checkpoint', () => {
  it('is the newest, signed by the key that the header leaf names', async () => {
    const { headers, text } = await get(server.url, '/log/meter/checkpoint');
    const note = parseCheckpoint(text);
    const { logKey } = pinsOf(server.dataDir, 'meter');
    expect(verifyCheckpoint(note, parseVerifierKey(logKey))).toBe('valid');
    expect(note.size).toBe(EVENTS + 1);
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(headers['cache-control']).toBe('no-cache');
  });

  it('is not sent again to who has it', async () => {
    const { headers } = await get(server.url, '/log/meter/checkpoint');
    const again = await get(server.url, '/log/meter/checkpoint', { 'if-none-match': headers.etag });
    expect([again.status, again.text]).toEqual([304, '']);
    const other = await get(server.url, '/log/meter/checkpoint', { 'if-none-match': '"other"' });
    expect(other.status).toBe(200);
  });

  it('is there for each packet by its end, and for no other size', async () => {
    expect((await checkpoint('?size=100')).size).toBe(100);
    for (const size of [0, 99, EVENTS + 2, Number.MAX_SAFE_INTEGER]) {
      expect((await get(server.url, `/log/meter/checkpoint?size=${size}`)).status).toBe(404);
    }
    for (const size of ['', 'x', '-1', '1.5']) {
      expect((await get(server.url, `/log/meter/checkpoint?size=${size}`)).status).toBe(400);
    }
  });

  it('comes with a manifest that says the same of the log', async () => {
    const { body } = await get(server.url, '/log/meter/manifest?size=100');
    const { root, origin } = await checkpoint('?size=100');
    expect(body.manifest.content.log).toMatchObject({ root, origin, end: 100, through: { meter: 99 } });
    expect(body.versionId).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('tiles', () => {
  it('hold, from level to level, the root that the checkpoint signs', async () => {
    const { size, root } = await checkpoint();
    const tiles = new Map<string, Uint8Array>();
    for (const level of [0, 1]) {
      const count = hashesAt(level, size);
      for (let index = 0; index * 256 < count; index++) {
        const path = formatTilePath({ level, index, width: Math.min(256, count - index * 256) });
        tiles.set(`${level}/${index}`, await bytes(`/log/meter/tile/${path}`));
      }
    }
    expect([...tiles].map(([name, tile]) => [name, hashes(tile)])).toEqual([
      ['0/0', 256],
      ['0/1', 256],
      ['0/2', 89],
      ['1/0', 2],
    ]);
    expect(
      toHex(
        rootOf(
          size,
          tileNodes((level, index) => tiles.get(`${level}/${index}`)!),
        ),
      ),
    ).toBe(root);
  });

  it('are there in any width that a smaller tree had, full ones too', async () => {
    const full = await bytes('/log/meter/tile/0/000');
    expect(await bytes('/log/meter/tile/0/000.p/7')).toEqual(full.subarray(0, 7 * 32));
    expect(hashes(await bytes('/log/meter/tile/0/002.p/1'))).toBe(1);
    expect(hashes(await bytes('/log/meter/tile/1/000.p/1'))).toBe(1);
  });

  it('hold the leaves, which hash to those of level 0', async () => {
    const leaves = packetLines(server.dataDir).filter(({ leaf }) => leaf.stream === 'meter');
    const wanted = new Set(leaves.map(({ leaf }) => canonicalize(leaf)));
    for (const name of ['000', '001', '002.p/89', '001.p/3']) {
      const entries = decodeEntries(await bytes(`/log/meter/tile/entries/${name}`));
      const tile = await bytes(`/log/meter/tile/0/${name}`);
      expect(toHex(tile)).toBe(entries.map((entry) => toHex(leafHash(entry))).join(''));
      for (const entry of entries) expect(wanted.has(new TextDecoder().decode(entry))).toBe(true);
    }
  });

  it.each([
    '0/002',
    '0/002.p/90',
    '0/003.p/1',
    '1/000',
    '1/000.p/3',
    '2/000.p/1',
    '63/000.p/1',
    'entries/002.p/90',
    'entries/x001/000',
    '0/x009/x007/x199/x254/x740/991.p/1',
  ])('are not there beyond what a checkpoint covers: %s', async (path) => {
    const { status, body, headers } = await get(server.url, `/log/meter/tile/${path}`);
    expect([status, body.error]).toEqual([404, 'not-found']);
    expect(headers['cache-control']).toBeUndefined();
  });

  it.each(['0', '64/000', '0/0', '0/x000/001', '0/000.p/0', '0/000.p/256', 'data/000', '0/..%2f000', '%00/000'])(
    'have well-formed names: not %s',
    async (path) => {
      const { status, body } = await get(server.url, `/log/meter/tile/${path}`);
      expect([status, body.error]).toEqual([400, 'bad-request']);
    },
  );
});

describe('consistency', () => {
  it('is proven between any two sizes', async () => {
    const first = await checkpoint('?size=100');
    const last = await checkpoint();
    const { body } = await get(server.url, `/log/meter/consistency?from=100&to=${last.size}`);
    expect([body.from, body.to]).toEqual([100, last.size]);
    const path = body.hashes.map(fromHex);
    expect(verifyConsistency(100, last.size, path, fromHex(first.root), fromHex(last.root))).toBe(true);
    expect(verifyConsistency(100, last.size, path.slice(1), fromHex(first.root), fromHex(last.root))).toBe(false);
    expect((await get(server.url, '/log/meter/consistency?from=7&to=7')).body.hashes).toEqual([]);
  });

  it.each([
    '',
    '?from=1',
    '?to=1',
    '?from=0&to=5',
    '?from=6&to=5',
    '?from=1&to=602',
    '?from=1&to=2&x=1',
    '?from=a&to=2',
  ])('takes two sizes that are there: not %s', async (query) => {
    const { status, body } = await get(server.url, `/log/meter/consistency${query}`);
    expect([status, body.error]).toEqual([400, 'bad-request']);
  });
});

describe('the logs', () => {
  it('are listed with key, size and root, once something is sealed', async () => {
    const { body } = await get(server.url, '/log');
    const { size, root, origin } = await checkpoint();
    const pins = pinsOf(server.dataDir, 'meter');
    expect(body).toEqual({ items: [{ stream: 'meter', origin, ...pins, size, root }] });
    const key = await get(server.url, '/log/meter/key');
    expect(key.body).toEqual({ stream: 'meter', origin, ...pins });
  });

  it('have no checkpoint and no tiles before that', async () => {
    for (const path of ['checkpoint', 'manifest', 'consistency?from=1&to=1']) {
      const { status, body, headers } = await get(server.url, `/log/slow/${path}`);
      expect([status, body.error, headers['retry-after']]).toEqual([404, 'not-certified-yet', '1']);
    }
    expect((await get(server.url, '/log/slow/tile/0/000.p/1')).status).toBe(404);
  });

  it.each(['checkpoint', 'manifest', 'key', 'tile/0/000', 'consistency?from=1&to=1'])(
    'of a stream that there is not: /%s',
    async (path) => {
      const { status, body } = await get(server.url, `/log/nowhere/${path}`);
      expect([status, body.error]).toEqual([404, 'not-found']);
    },
  );

  it('are read, and not written to', async () => {
    for (const path of ['/log', '/log/meter/checkpoint', '/log/meter/tile/0/000']) {
      expect((await call(server.url, path, { method: 'POST', body: 'x' })).status).toBe(405);
      expect((await call(server.url, path, { method: 'HEAD' })).status).toBe(200);
    }
  });
});
