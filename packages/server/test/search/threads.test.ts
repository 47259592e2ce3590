/** The index on its thread, with the packaged model on another one, as the server has them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { EmbedProgress } from '../../src/search/service.ts';
import { SearchClient } from '../../src/threads/search-client.ts';
import { endpoint, wellBehaved } from '../embedding/endpoint.ts';
import { Directories, filesWith } from '../support/directories.ts';
import { SEARCHED, World } from './world.ts';

const directories = new Directories();
afterAll(() => directories.remove());
const PATIENCE = { timeout: 20_000, interval: 10 };

const SETTINGS = { searched: SEARCHED, dimensions: 512, endpoint: undefined };

async function made(): Promise<World> {
  const world = new World(directories.next());
  onTestFinished(() => world.close());
  await world.begin();
  return world;
}

function client(world: World, settings: ConstructorParameters<typeof SearchClient>[0]['settings'] = SETTINGS) {
  const troubles: string[] = [];
  const died = (error: Error) => void troubles.push(error.message);
  const search = new SearchClient(
    { dataDir: world.dir, settings },
    { troubled: (message) => void troubles.push(message), died },
    () => settings.searched.size > 0,
  );
  onTestFinished(() => search.close());
  return { search, troubles };
}

const words = (text: string) => ({ mode: 'fulltext', text, k: 10 }) as const;

it('follows, embeds and answers', async () => {
  const world = await made();
  const { search, troubles } = client(world);
  await search.start();
  await world.say('notes', [
    { id: 'a', text: 'The ferry left the harbour late.' },
    { id: 'b', text: 'The bakery sells rye bread.' },
    { id: 'c', text: 'Wolves killed a dozen sheep.' },
  ]);
  search.wake();
  const told: EmbedProgress[] = [];
  const ranges = [{ stream: 'notes', start: 0, end: 4 }];
  const outcome = await search.embedBatch({ batchTag: 'one', ranges, progress: (progress) => told.push(progress) });
  expect(outcome).toEqual({ embedded: 3, given: 0, refused: 0, failed: 0 });
  expect(told).toEqual([
    { embedded: 0, given: 0, refused: 0, failed: 0, left: 3 },
    { embedded: 3, given: 0, refused: 0, failed: 0, left: 0 },
  ]);
  const [hit] = await search.search({ mode: 'semantic', text: 'predators attacking livestock', k: 1 });
  expect(hit?.text).toBe('Wolves killed a dozen sheep.');
  expect((await search.search({ ...words('rye'), streams: new Set(['notes']) })).map(({ leaf }) => leaf)).toEqual([2]);
  expect(await search.search({ ...words('rye'), streams: new Set() })).toEqual([]);
  expect(await search.standing()).toEqual({
    streams: [
      { stream: 'notes', indexed: 4, size: 4, records: 3, given: 0, model: 3, refused: 0 },
      { stream: 'safe', indexed: 0, size: 0, records: 0, given: 0, model: 0, refused: 0 },
    ],
    leavesPerSecond: expect.any(Number),
  });
  await expect(search.search({ ...words('rye'), k: 0 })).rejects.toMatchObject({
    name: 'SearchError',
    code: 'query-invalid',
  });
  expect(troubles).toEqual([]);
});

it('hides what is erased at once, and has it gone when the log says so', async () => {
  const world = await made();
  const positions = await world.say('safe', [{ id: 'a', text: 'unmistakable' }]);
  const { search } = client(world);
  await vi.waitFor(async () => expect(await search.search(words('unmistakable'))).toHaveLength(1), PATIENCE);
  world.journalErasure('safe', positions);
  search.forget();
  expect(await search.search(words('unmistakable'))).toEqual([]);
  await world.certify();
  search.wake();
  await vi.waitFor(
    () => expect(filesWith(world.dir, 'unmistakable').filter((file) => file.startsWith('search.db'))).toEqual([]),
    PATIENCE,
  );
});

describe('a batch', () => {
  it('fails with what the endpoint said, and can be run again', async () => {
    const world = await made();
    await world.say('notes', [{ id: 'a', text: 'one' }]);
    const { url } = await endpoint((_request, response) => void response.writeHead(401).end(), wellBehaved(512));
    const settings = { url, token: undefined, timeoutMs: 5000, attempts: 1, backoffMs: 1 };
    const { search } = client(world, { ...SETTINGS, endpoint: settings });
    const order = { batchTag: 'one', ranges: [{ stream: 'notes', start: 0, end: 2 }] };
    await expect(search.embedBatch(order)).rejects.toMatchObject({
      code: 'embedding-failed',
      message: expect.stringContaining('401'),
    });
    expect(await search.embedBatch(order)).toMatchObject({ embedded: 1 });
  });

  it('is cancelled, while it waits for the log and while it is embedded, and when the server closes', async () => {
    const world = await made();
    await world.say('notes', [{ id: 'a', text: 'one' }]);
    const asked = Promise.withResolvers<void>();
    const { url } = await endpoint(() => asked.resolve());
    const settings = { url, token: undefined, timeoutMs: 60_000, attempts: 1, backoffMs: 1 };
    const { search } = client(world, { ...SETTINGS, endpoint: settings });
    const control = new AbortController();
    const { signal } = control;
    const here = { batchTag: 'one', ranges: [{ stream: 'notes', start: 0, end: 2 }] };
    const waiting = search.embedBatch({ batchTag: 'two', ranges: [{ stream: 'notes', start: 0, end: 99 }], signal });
    const embedded = search.embedBatch({ ...here, signal });
    await asked.promise;
    control.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await expect(embedded).rejects.toMatchObject({ code: 'cancelled' });
    await expect(search.embedBatch({ ...here, signal })).rejects.toMatchObject({ code: 'cancelled' });
    const last = expect(search.embedBatch(here)).rejects.toMatchObject({ code: 'cancelled' });
    await search.standing();
    await search.close();
    await last;
  });
});

describe('where nothing is searched', () => {
  const none = { ...SETTINGS, searched: new Map<string, string[]>() };

  it('there is no thread and no file', async () => {
    const world = await made();
    const { search } = client(world, none);
    await search.start();
    await expect(search.search(words('a'))).rejects.toMatchObject({ code: 'not-searched' });
    expect(existsSync(join(world.dir, 'search.db'))).toBe(false);
  });

  it('what was indexed before goes', async () => {
    const world = await made();
    await world.say('notes', [{ id: 'a', text: 'unmistakable' }]);
    const before = client(world);
    await vi.waitFor(async () => expect(await before.search.search(words('unmistakable'))).toHaveLength(1), PATIENCE);
    await before.search.close();
    const { search } = client(world, none);
    await search.start();
    await vi.waitFor(async () => expect(await search.search(words('unmistakable'))).toEqual([]), PATIENCE);
    await search.close();
    expect(filesWith(world.dir, 'unmistakable').filter((file) => file.startsWith('search.db'))).toEqual([]);
  });
});
