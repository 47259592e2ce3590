import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { PacketFiles } from '../../src/store/packets.ts';
import { Directories } from '../support/directories.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const damaged = expect.objectContaining({ name: 'StoreError', code: 'damaged' });

function open(dir = directories.next()) {
  const files = new PacketFiles(dir);
  files.prepare();
  const unfinished = () => readdirSync(join(dir, 'packets', 'unfinished'));
  const pathOf = (hash: string) => join(dir, 'packets', hash.slice(0, 2), `${hash}.ndjson`);
  return { dir, files, unfinished, pathOf };
}

async function store(files: PacketFiles, ...parts: string[]): Promise<string> {
  const writer = files.create();
  for (const part of parts) writer.write(Buffer.from(part));
  const { contentHash, durable } = writer.finish();
  await durable;
  return contentHash;
}

test('content is stored under its hash, and comes back in whole and in part', async () => {
  const { files, unfinished, pathOf } = open();
  const writer = files.create();
  writer.write(Buffer.from('one\n'));
  writer.write(Buffer.from('two €\n'));
  const { contentHash, sizeBytes, durable } = writer.finish();
  await durable;
  const bytes = Buffer.from('one\ntwo €\n');
  expect(contentHash).toBe(sha256(bytes));
  expect(sizeBytes).toBe(bytes.length);
  expect(readFileSync(pathOf(contentHash))).toEqual(bytes);
  expect(unfinished()).toEqual([]);
  expect(String(files.read(contentHash, 0, 4))).toBe('one\n');
  expect(String(files.read(contentHash, 4, bytes.length))).toBe('two €\n');
  expect(files.read(contentHash, 4, 4)).toHaveLength(0);
  expect(files.read(contentHash, 0, bytes.length)).toEqual(bytes);
  expect([...files.list()]).toEqual([contentHash]);
});

test('it has its name only when it is complete', async () => {
  const { files, pathOf } = open();
  const writer = files.create();
  writer.write(Buffer.from('half'));
  const hash = sha256(Buffer.from('half'));
  expect([...files.list()]).toEqual([]);
  expect(existsSync(pathOf(hash))).toBe(false);
  const { durable } = writer.finish();
  await durable;
  expect(existsSync(pathOf(hash))).toBe(true);
});

test('several are written at a time', async () => {
  const { files } = open();
  const writers = [files.create(), files.create(), files.create()];
  for (const part of ['x', 'y'])
    for (const [place, writer] of writers.entries()) writer.write(Buffer.from(`${part}${place}`));
  const finished = writers.map((writer) => writer.finish());
  await Promise.all(finished.map(({ durable }) => durable));
  const contents = finished.map(({ contentHash }) => String(files.read(contentHash, 0, 4)));
  expect(contents).toEqual(['x0y0', 'x1y1', 'x2y2']);
});

test('the same content again, as after a crash, is the same file', async () => {
  const { files } = open();
  const first = await store(files, 'content');
  expect(await store(files, 'con', 'tent')).toBe(first);
  expect([...files.list()]).toEqual([first]);
  expect(String(files.read(first, 0, 7))).toBe('content');
});

test('content may be empty', async () => {
  const { files } = open();
  const hash = await store(files);
  expect(hash).toBe(sha256(Buffer.alloc(0)));
  expect(files.read(hash, 0, 0)).toHaveLength(0);
});

test('what is abandoned, or left by a crash, goes with the next start', async () => {
  const { dir, files, unfinished } = open();
  const kept = await store(files, 'kept');
  const [abandoned, crashed] = [files.create(), files.create()];
  for (const writer of [abandoned, crashed]) writer.write(Buffer.from('lost'));
  abandoned.abandon();
  abandoned.abandon();
  expect(unfinished().length).toBeGreaterThan(0);
  new PacketFiles(dir).prepare();
  crashed.abandon();
  expect(unfinished()).toEqual([]);
  expect([...files.list()]).toEqual([kept]);
});

test('content that is missing or cut short is damage', async () => {
  const { files, pathOf } = open();
  const hash = await store(files, 'content');
  expect(() => files.read(hash, 0, 8)).toThrow(damaged);
  expect(() => files.read('0'.repeat(64), 0, 1)).toThrow(damaged);
  truncateSync(pathOf(hash), 3);
  expect(statSync(pathOf(hash)).size).toBe(3);
  expect(() => files.read(hash, 0, 7)).toThrow(damaged);
  expect(String(files.read(hash, 0, 3))).toBe('con');
});
