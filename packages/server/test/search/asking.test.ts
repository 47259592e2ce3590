/** What is asked for, and what is not answered. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmbeddingError } from '../../src/embedding/embedder.ts';
import type { SearchQuery } from '../../src/search/service.ts';
import { Directories } from '../support/directories.ts';
import { dayAt, HashEmbedder, NEVER, type Opened, vectorOf, World } from './world.ts';

const directories = new Directories();
const embedder = new HashEmbedder();
let world: World;
let index: Opened;

beforeAll(async () => {
  world = new World(directories.next());
  await world.begin();
  const said = ['heron in the marsh', 'a heron, a heron, a heron', 'reeds', 'heron in the marsh'];
  await world.say(
    'notes',
    said.map((text, n) => ({ id: `${n}`, text, day: n, embedding: [...vectorOf(text)] })),
  );
  await world.say('safe', [{ id: 's', text: 'a heron kept safe', day: 9, embedding: [...vectorOf('safe')] }]);
  index = world.open({ embedder });
  index.catchUp();
});
afterAll(() => {
  index.close();
  world.close();
  directories.remove();
});

const leaves = async (query: Partial<SearchQuery>) =>
  (await index.find('heron', query)).map(({ stream, leaf }) => `${stream} ${leaf}`).sort();

describe('filters', () => {
  it.each([
    ['streams', { streams: new Set(['safe']) }, ['safe 1']],
    ['no stream', { streams: new Set<string>() }, []],
    ['a batch', { ranges: [{ stream: 'notes', start: 2, end: 4 }] }, ['notes 2']],
    ['what is locked', { hidden: [{ stream: 'notes', start: 0, end: 3 }] }, ['notes 4', 'safe 1']],
    ['from a time on', { from: dayAt(3) }, ['notes 4', 'safe 1']],
    ['up to a time', { to: dayAt(3) }, ['notes 1', 'notes 2']],
    ['everything', {}, ['notes 1', 'notes 2', 'notes 4', 'safe 1']],
  ])('%s', async (_what, query, expected) => {
    expect(await leaves(query)).toEqual(expected);
  });

  it('come before the best are taken', async () => {
    expect(await leaves({ k: 1, streams: new Set(['safe']) })).toEqual(['safe 1']);
    const [hit] = await index.near(vectorOf('reeds'), { k: 1, hidden: [{ stream: 'notes', start: 0, end: 9 }] });
    expect(hit?.stream).toBe('safe');
  });
});

describe('ranks', () => {
  it('by words: the more often they are there, and the newest of equals', async () => {
    const [first, ...others] = await index.find('heron', { streams: new Set(['notes']) });
    expect(first?.leaf).toBe(2);
    expect(others.map(({ leaf }) => leaf)).toEqual([4, 1]);
    expect(others[0]?.score).toBe(others[1]?.score);
  });

  it('by meaning: the text as the model has it', async () => {
    const hits = await index.desk.search({ mode: 'semantic', text: 'reeds', k: 3 }, NEVER);
    expect(hits[0]).toMatchObject({ text: 'reeds', scores: { semantic: expect.closeTo(1, 6) } });
    expect(hits[0]?.snippet).toBeUndefined();
    expect(embedder.asked).toEqual(['reeds']);
    await index.desk.search({ mode: 'semantic', text: 'reeds', k: 1 }, NEVER);
    expect(embedder.asked).toEqual(['reeds']);
  });

  it('by both: the sum of the reciprocal ranks', async () => {
    const hits = await index.desk.search(
      { mode: 'hybrid', text: 'heron', vector: [...vectorOf('reeds')], k: 5 },
      NEVER,
    );
    const words = (await index.find('heron')).map(({ stream, leaf }) => `${stream} ${leaf}`);
    const near = (await index.near(vectorOf('reeds'))).map(({ stream, leaf }) => `${stream} ${leaf}`);
    const score = (key: string) =>
      [words, near].reduce((sum, list) => sum + (list.includes(key) ? 1 / (61 + list.indexOf(key)) : 0), 0);
    expect(hits).toHaveLength(5);
    for (const { stream, leaf, score: given, scores } of hits) {
      const key = `${stream} ${leaf}`;
      expect(given).toBeCloseTo(score(key), 12);
      expect([scores.fulltext !== undefined, scores.semantic !== undefined]).toEqual([words.includes(key), true]);
    }
    expect(hits.map(({ score: one }) => one)).toEqual(hits.map(({ score: one }) => one).toSorted((a, b) => b - a));
  });

  it('with what matched marked in the text around it', async () => {
    const long = `${'far away '.repeat(60)}the heron ${'far away '.repeat(400)}`;
    await world.say('notes', [{ id: 'long', text: `\u0002odd\u0003 ${long}` }]);
    index.catchUp();
    const [hit] = await index.find('"the heron"');
    const { text, marks } = hit!.snippet!;
    expect(marks.map(([start, end]) => text.slice(start, end))).toEqual(['the heron']);
    expect(text.length).toBeLessThan(400);
    expect(hit?.text).toHaveLength(2000);
    const [odd] = await index.find('odd');
    expect(odd?.snippet?.text.startsWith('\u0002odd\u0003 far')).toBe(true);
    expect(odd?.snippet?.marks).toEqual([[1, 4]]);
  });
});

describe('is refused', () => {
  const vector = [...vectorOf('x')];
  it.each<[string, SearchQuery]>([
    ['none wanted', { mode: 'fulltext', text: 'a', k: 0 }],
    ['too many wanted', { mode: 'fulltext', text: 'a', k: 101 }],
    ['half a hit', { mode: 'fulltext', text: 'a', k: 1.5 }],
    ['words without a text', { mode: 'fulltext', vector, k: 1 }],
    ['both without a text', { mode: 'hybrid', vector, k: 1 }],
    ['meaning of nothing', { mode: 'semantic', k: 1 }],
    ['meaning of blanks', { mode: 'semantic', text: ' \n', k: 1 }],
    ['a vector of another dimension', { mode: 'semantic', vector: [1, 2], k: 1 }],
    ['a vector without direction', { mode: 'semantic', vector: vector.map(() => 0), k: 1 }],
    ['a vector with what is no number', { mode: 'semantic', vector: [...vector.slice(1), Number.NaN], k: 1 }],
    ['a beginning that is too short', { mode: 'fulltext', text: 'v* '.repeat(32), k: 100 }],
    ['too many beginnings, with meaning', { mode: 'hybrid', text: 'va* vb* vc* vd* ve*', vector, k: 1 }],
    ['a text too long', { mode: 'fulltext', text: 'a'.repeat(1001), k: 1 }],
  ])('%s', async (_what, query) => {
    await expect(index.desk.search(query, NEVER)).rejects.toMatchObject({ code: 'query-invalid' });
  });

  it('and what no model makes a vector of', async () => {
    embedder.before = () => {
      throw new EmbeddingError('endpoint-refused', 'answered 500');
    };
    const failing = index.desk.search({ mode: 'semantic', text: 'unheard of', k: 1 }, NEVER);
    await expect(failing).rejects.toMatchObject({ code: 'embedding-failed', cause: { code: 'endpoint-refused' } });
    embedder.before = () => {};
    const nothing = index.desk.search({ mode: 'semantic', text: 'nothing of note', k: 1 }, NEVER);
    await expect(nothing).rejects.toMatchObject({ code: 'embedding-failed' });
  });

  it('but not words that are nowhere, or none', async () => {
    expect([await index.find('unheard'), await index.find('-heron'), await index.find('!')]).toEqual([[], [], []]);
  });
});
