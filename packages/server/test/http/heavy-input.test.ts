/** Bodies that are too large, damaged on the way or endless: refused without building them up, and nobody waits. */
import type { Socket } from 'node:net';
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { CSV, expectNoTraces, GZIP, JSON_TYPE, MIB, NDJSON, type Row, useAbusedServer } from './abuse.ts';
import { eventually } from './server.ts';

const abused = useAbusedServer();
const { expectProblem, goodEventIsCertified, metric, open } = abused;

const piece = Buffer.alloc(MIB, ' ');

/** Never in memory as a whole. */
function* spaces(mebibytes: number): Generator<Buffer> {
  for (let sent = 0; sent < mebibytes; sent++) yield piece;
}

/** What a client hears that stops in the middle of its body; it takes as long as some of the tests here together. */
let answerToIdle: Promise<string>;
beforeAll(() => {
  const idle = open(['content-type: application/json', 'content-length: 1000']);
  idle.write('{"events":[');
  answerToIdle = new Promise((resolve) => idle.once('data', (bytes) => resolve(bytes.toString('utf8'))));
  answerToIdle.finally(() => idle.destroy());
});

describe('too much', () => {
  const zeros = Buffer.alloc(128 * MIB);
  const lines = (count: number) => Buffer.from('{}\n'.repeat(count));
  it.each<Row>([
    ['100,001 lines', lines(100_001), NDJSON, 413, 'too-many-events'],
    ['100,001 elements', `{"events":[${'{},'.repeat(100_000)}{}]}`, JSON_TYPE, 413, 'too-many-events'],
    ['100,001 rows', `id\n${'1\n'.repeat(100_001)}`, CSV, 413, 'too-many-events'],
    ['1 GiB, announced', spaces(1024), { ...JSON_TYPE, 'content-length': String(1024 * MIB) }, 413, 'body-too-large'],
    ['1 GiB, chunked', spaces(1024), JSON_TYPE, 413, 'body-too-large'],
    ['128 MiB in gzip', gzipSync(zeros), GZIP, 413, 'body-too-large'],
    [
      '128 MiB in br',
      brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 0 } }),
      { ...JSON_TYPE, 'content-encoding': 'br' },
      413,
      'body-too-large',
    ],
    ['128 MiB in zstd', zstdCompressSync(zeros), { ...JSON_TYPE, 'content-encoding': 'zstd' }, 413, 'body-too-large'],
    ['1 GiB of gzip that is none', spaces(1024), GZIP, 400, 'body-malformed'],
    ['1 GiB of an unknown type', spaces(1024), { 'content-type': 'text/html' }, 415, 'unsupported-media-type'],
  ])('%s', async (...row) => {
    await expectProblem(row);
  });

  it.each([
    ['announced', `content-length: ${1024 * MIB}`, (bytes: Buffer) => [bytes]],
    ['chunked', 'transfer-encoding: chunked', (bytes: Buffer) => [`${bytes.length.toString(16)}\r\n`, bytes, '\r\n']],
  ])('a client that sends all of 1 GiB, %s, before it reads is answered all the same', async (_how, header, framed) => {
    const socket = open(['content-type: application/json', header]);
    for (const bytes of spaces(1024)) {
      for (const part of framed(bytes)) {
        if (!socket.write(part)) await new Promise((resolve) => socket.once('drain', resolve));
      }
    }
    expect(await firstLine(socket)).toBe('HTTP/1.1 413 Payload Too Large');
  });
});

describe('damaged encodings', () => {
  const packed = gzipSync('{"events":[{"id":"cut"}]}');
  it.each<Row>([
    ['a gzip cut off in its data', packed.subarray(0, packed.length - 12), GZIP, 400, 'body-malformed'],
    ['a gzip cut off in its trailer', packed.subarray(0, packed.length - 1), GZIP, 400, 'body-malformed'],
    [
      'a gzip with a wrong checksum',
      Buffer.concat([packed.subarray(0, -8), Buffer.alloc(8)]),
      GZIP,
      400,
      'body-malformed',
    ],
    ['JSON that says gzip', '{"events":[{"id":1}]}', GZIP, 400, 'body-malformed'],
    ['an empty gzip', '', GZIP, 400, 'body-malformed'],
    [
      'a cut-off br',
      brotliCompressSync('{"events":[]}').subarray(0, 8),
      { ...JSON_TYPE, 'content-encoding': 'br' },
      400,
      'body-malformed',
    ],
    [
      'a cut-off zstd',
      zstdCompressSync('{"events":[]}').subarray(0, 12),
      { ...JSON_TYPE, 'content-encoding': 'zstd' },
      400,
      'body-malformed',
    ],
    ['an encoding nobody knows', '{}', { ...JSON_TYPE, 'content-encoding': 'lzma' }, 415, 'unsupported-media-type'],
    ['two encodings', packed, { ...JSON_TYPE, 'content-encoding': 'gzip, gzip' }, 415, 'unsupported-media-type'],
    [
      'constructor for an encoding',
      '{}',
      { ...JSON_TYPE, 'content-encoding': 'constructor' },
      415,
      'unsupported-media-type',
    ],
  ])('%s', async (...row) => {
    await expectProblem(row);
  });
});

describe('slow and idle clients', () => {
  it('hold nobody up, and are taken when they are done', async () => {
    const body = JSON.stringify({ events: [{ id: 'slow', filler: 'x'.repeat(1000) }] });
    const slow = open(['content-type: application/json', `content-length: ${body.length}`]);
    for (let at = 0; at < body.length; at += 100) {
      await new Promise((resolve) => slow.write(body.slice(at, at + 100), resolve));
      await goodEventIsCertified();
    }
    expect(await firstLine(slow)).toBe('HTTP/1.1 200 OK');
  });

  it('are told when they are no longer waited for', async () => {
    const [head, body] = (await answerToIdle).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 408 /);
    expect(JSON.parse(body!)).toMatchObject({ status: 408, error: 'request-timeout' });
  });

  it('keep no room that others need by what they merely announce', async () => {
    const idle = Array.from({ length: 20 }, () =>
      open(['content-type: application/json', `content-length: ${32 * MIB}`]),
    );
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.write('{"events":[', resolve))));
    await eventually(async () => expect(await metric('tidemark_bodies_in_flight_bytes')).toBe(20 * 11));
    await goodEventIsCertified();
    for (const socket of idle) socket.destroy();
  });
});

expectNoTraces(abused);

function firstLine(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.once('data', (bytes) => {
      resolve(bytes.toString('latin1').split('\r\n', 1)[0]);
      socket.destroy();
    });
  });
}
