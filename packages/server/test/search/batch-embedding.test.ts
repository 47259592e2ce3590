/** Vectors for a batch: all of them, some at a time, and none lost or made twice, however it ends. */
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { EmbeddingError } from '../../src/embedding/embedder.ts';
import type { EmbedProgress } from '../../src/search/service.ts';
import { Directories } from '../support/directories.ts';
import { HashEmbedder, NEVER, type Opened, type Said, vectorOf, World } from './world.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const COUNT = 100;
const WHOLE = { batchTag: 'spool_1', ranges: [{ stream: 'notes', start: 1, end: COUNT + 1 }] };
const text = (n: number) => `text number ${n}`;

async function made(said: readonly Said[] = Array.from({ length: COUNT }, (_, n) => ({ id: `${n}`, text: text(n) }))) {
  const world = new World(directories.next());
  onTestFinished(() => world.close());
  await world.begin(1000);
  const positions = await world.say('notes', said);
  return { world, positions };
}

function opened(world: World, embedder = new HashEmbedder()): Opened & { embedder: HashEmbedder } {
  const index = world.open({ embedder });
  onTestFinished(() => index.close());
  return Object.assign(index, { embedder });
}

describe('a batch', () => {
  it('has a vector for each text in the end, told some at a time', async () => {
    const { world } = await made();
    const index = opened(world);
    index.catchUp();
    const told: EmbedProgress[] = [];
    const outcome = await index.batches.run(WHOLE, NEVER, (progress) => told.push(progress));
    expect(outcome).toEqual({ embedded: COUNT, given: 0, refused: 0, failed: 0 });
    expect(told.map(({ embedded, left }) => [embedded, left])).toEqual([
      [0, 100],
      [32, 68],
      [64, 36],
      [96, 4],
      [100, 0],
    ]);
    expect((await index.near(vectorOf(text(77)), { k: 1 })).map((hit) => hit.text)).toEqual([text(77)]);
    expect(await index.batches.run(WHOLE, NEVER, () => {})).toEqual(outcome);
    expect(index.embedder.asked).toHaveLength(COUNT);
  });

  it('is its leaves, and nothing beside', async () => {
    const { world } = await made();
    const index = opened(world);
    index.catchUp();
    const ranges = [
      { stream: 'notes', start: 11, end: 21 },
      { stream: 'notes', start: 41, end: 42 },
    ];
    const outcome = await index.batches.run({ batchTag: 'part', ranges }, NEVER, () => {});
    expect(outcome.embedded).toBe(11);
    expect(index.embedder.asked).toEqual([...Array.from({ length: 10 }, (_, n) => text(n + 10)), text(40)]);
  });

  it('counts vectors that came with events, those that were refused, and texts of which none can be made', async () => {
    const { world } = await made([
      { id: 'a', text: 'given', embedding: [...vectorOf('given')] },
      { id: 'b', text: 'refused', embedding: [1, 2, 3] },
      { id: 'c', text: 'nothing in it' },
      { id: 'd', text: 'made' },
      { id: 'e' },
    ]);
    const index = opened(world);
    index.catchUp();
    const order = { batchTag: 't', ranges: [{ stream: 'notes', start: 1, end: 6 }] };
    const outcome = await index.batches.run(order, NEVER, () => {});
    expect(outcome).toEqual({ embedded: 2, given: 1, refused: 1, failed: 1 });
    expect(await index.batches.run(order, NEVER, () => {})).toEqual(outcome);
  });

  it('waits until the index has come so far', async () => {
    const { world } = await made();
    const index = opened(world);
    const outcome = index.batches.run(WHOLE, NEVER, () => {});
    expect(index.embedder.asked).toEqual([]);
    index.catchUp();
    expect(await outcome).toMatchObject({ embedded: COUNT });
  });

  it('of a stream that is not searched is refused', async () => {
    const { world } = await made();
    const order = { batchTag: 't', ranges: [{ stream: 'other', start: 1, end: 2 }] };
    await expect(opened(world).batches.run(order, NEVER, () => {})).rejects.toMatchObject({ code: 'not-searched' });
  });
});

describe('what was done stays done', () => {
  /** Fails at the third chunk. */
  function failing(failure: () => Promise<void> | void): HashEmbedder {
    const embedder = new HashEmbedder();
    let chunks = 0;
    embedder.before = () => (++chunks === 3 ? failure() : undefined);
    return embedder;
  }

  it('when the model fails', async () => {
    const { world } = await made();
    const cause = new EmbeddingError('endpoint-refused', 'answered 503');
    const index = opened(
      world,
      failing(() => Promise.reject(cause)),
    );
    index.catchUp();
    const run = index.batches.run(WHOLE, NEVER, () => {});
    await expect(run).rejects.toMatchObject({ code: 'embedding-failed', cause });
    expect(await index.batches.run(WHOLE, NEVER, () => {})).toMatchObject({ embedded: COUNT });
    expect(index.embedder.asked).toEqual(Array.from({ length: COUNT }, (_, n) => text(n)));
  });

  it('when it is cancelled', async () => {
    const { world } = await made();
    const control = new AbortController();
    const index = opened(
      world,
      failing(() => control.abort()),
    );
    index.catchUp();
    await expect(index.batches.run(WHOLE, control.signal, () => {})).rejects.toMatchObject({ code: 'cancelled' });
    expect(index.store.counts(WHOLE.ranges[0]!).model).toBe(64);
    expect(await index.batches.run(WHOLE, NEVER, () => {})).toMatchObject({ embedded: COUNT });
  });

  it('when everything ends', async () => {
    const { world } = await made();
    const never = new Promise<void>(() => {});
    const embedder = failing(() => never);
    const index = opened(world, embedder);
    index.catchUp();
    const sixtyFour = Promise.withResolvers<void>();
    void index.batches.run(WHOLE, NEVER, ({ embedded }) => (embedded === 64 ? sixtyFour.resolve() : undefined));
    await sixtyFour.promise;
    index.close();
    const again = opened(world);
    expect(await again.batches.run(WHOLE, NEVER, () => {})).toMatchObject({ embedded: COUNT });
    expect(again.embedder.asked).toEqual(Array.from({ length: COUNT - 64 }, (_, n) => text(n + 64)));
  });
});

it('does each batch that is ordered twice once', async () => {
  const { world } = await made();
  const index = opened(world);
  index.catchUp();
  const outcomes = await Promise.all([1, 2, 3].map(() => index.batches.run(WHOLE, NEVER, () => {})));
  expect(outcomes.map(({ embedded }) => embedded)).toEqual([COUNT, COUNT, COUNT]);
  expect(index.embedder.asked).toHaveLength(COUNT);
});

it('has no vector of what was revised while it was made', async () => {
  const { world, positions } = await made([{ id: 'a', text: 'old' }]);
  const embedder = new HashEmbedder();
  const index = opened(world, embedder);
  index.catchUp();
  embedder.before = async () => {
    embedder.before = () => {};
    await world.say('notes', [{ id: 'a', text: 'new' }], positions[0]);
    index.catchUp();
  };
  const order = { batchTag: 't', ranges: [{ stream: 'notes', start: 1, end: 2 }] };
  expect(await index.batches.run(order, NEVER, () => {})).toMatchObject({ embedded: 0, failed: 0 });
  expect(await index.near(vectorOf('old'))).toEqual([]);
});
