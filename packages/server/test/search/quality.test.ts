/** That the meaning is found where no word is: the packaged model on a small set, through the whole index. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchMode } from '../../src/search/service.ts';
import { EmbeddingClient } from '../../src/threads/embedding-client.ts';
import { Directories } from '../support/directories.ts';
import { QUESTIONS, SENTENCES, STOP_WORDS } from './sentences.ts';
import { NEVER, type Opened, World } from './world.ts';

const directories = new Directories();
const embedder = new EmbeddingClient();
let world: World;
let index: Opened;

beforeAll(async () => {
  world = new World(directories.next());
  await world.begin();
  await world.say(
    'notes',
    SENTENCES.map((text, n) => ({ id: `${n}`, text })),
  );
  index = world.open({ dimensions: 512, embedder });
  index.catchUp();
  const order = { batchTag: 't', ranges: [{ stream: 'notes', start: 0, end: 1 + SENTENCES.length }] };
  expect(await index.batches.run(order, NEVER, () => {})).toMatchObject({ embedded: SENTENCES.length });
});
afterAll(async () => {
  await embedder.close();
  index.close();
  world.close();
  directories.remove();
});

const wordsOf = (text: string) =>
  text
    .toLowerCase()
    .split(/\W+/)
    .filter((word) => word !== '' && !STOP_WORDS.has(word));

/** Of the questions, the share whose answer is the first hit, and is among the first five. */
async function recall(mode: SearchMode): Promise<{ first: number; five: number }> {
  const places: number[] = [];
  for (const [text, answer] of QUESTIONS) {
    const hits = await index.desk.search({ mode, text, k: 5 }, NEVER);
    places.push(hits.findIndex((hit) => hit.text === answer));
  }
  const share = (those: readonly number[]) => those.length / places.length;
  return { first: share(places.filter((place) => place === 0)), five: share(places.filter((place) => place !== -1)) };
}

describe(`${QUESTIONS.length} questions about ${SENTENCES.length} reports`, () => {
  it('share no word with their answers', () => {
    expect(SENTENCES.length).toBeGreaterThanOrEqual(40);
    expect(QUESTIONS.length).toBeGreaterThanOrEqual(20);
    for (const [question, answer] of QUESTIONS) {
      expect(SENTENCES).toContain(answer);
      expect(wordsOf(question).filter((word) => wordsOf(answer).includes(word))).toEqual([]);
    }
  });

  // The same on every machine: the model's arithmetic is WebAssembly's.
  it('are answered by meaning', async () => {
    expect(await recall('semantic')).toEqual({ first: 24 / 30, five: 1 });
  });

  it('are not answered by words', async () => {
    expect(await recall('fulltext')).toEqual({ first: 0, five: 0 });
  });

  it('are answered where both are asked', async () => {
    expect(await recall('hybrid')).toEqual({ first: 24 / 30, five: 1 });
  });
});
