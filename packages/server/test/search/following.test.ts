/** The index follows the log: what is certified is found, what is revised is replaced, what is erased is gone. */
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { Directories, filesWith } from '../support/directories.ts';
import { DIMENSIONS, HashEmbedder, NEVER, type Opened, type OpenOptions, vectorOf, World } from './world.ts';

const directories = new Directories();
afterAll(() => directories.remove());

async function made(): Promise<World> {
  const world = new World(directories.next());
  onTestFinished(() => world.close());
  await world.begin();
  return world;
}

function opened(world: World, options?: OpenOptions): Opened {
  const index = world.open(options);
  onTestFinished(() => index.close());
  return index;
}

const texts = (hits: readonly { text: string }[]) => hits.map(({ text }) => text);
const given = (text: string) => [...vectorOf(text)];

describe('what is certified', () => {
  it('is found by its words, with where it stands', async () => {
    const world = await made();
    await world.say('notes', [
      { id: 'a', text: 'A heron over the marsh', day: 2 },
      { id: 'b', text: 'Nothing to see' },
    ]);
    await world.say('other', [{ id: 'c', text: 'A heron elsewhere' }]);
    const index = opened(world);
    index.catchUp();
    const [hit, ...others] = await index.find('heron');
    expect(others).toEqual([]);
    expect(hit).toEqual({
      stream: 'notes',
      leaf: 1,
      eventId: expect.stringMatching(/^[0-9a-f]{32}$/),
      eventTime: Date.UTC(2026, 2, 3),
      text: 'A heron over the marsh',
      snippet: { text: 'A heron over the marsh', marks: [[2, 7]] },
      score: hit?.scores.fulltext,
      scores: { fulltext: expect.any(Number) },
    });
    expect(index.ledger.positionOfLeaf('notes', 1)).toBeDefined();
  });

  it('has the texts at all paths of its stream', async () => {
    const world = await made();
    await world.say('safe', [{ id: 'a', text: ['one', 'two'], more: { title: 'three', sub: 'four' } }]);
    await world.say('notes', [{ id: 'b', text: 'five', more: { title: 'three' } }]);
    const index = opened(world);
    index.catchUp();
    expect(texts(await index.find('three'))).toEqual(['one\ntwo\nthree']);
    expect(await index.find('four')).toEqual([]);
  });

  it('is followed as the log grows, and from where it stopped', async () => {
    const world = await made();
    await world.say('notes', [{ id: 'a', text: 'first' }]);
    const before = opened(world);
    expect(before.catchUp()).toBe(1);
    await world.say('notes', [{ id: 'b', text: 'second' }]);
    expect(before.catchUp()).toBe(1);
    expect(before.catchUp()).toBe(0);
    await world.say('notes', [{ id: 'c', text: 'third' }]);
    const after = opened(world);
    expect(after.catchUp()).toBe(1);
    expect(texts(await after.find('first')).concat(texts(await after.find('third')))).toEqual(['first', 'third']);
  });
});

describe('vectors that come with events', () => {
  it('are kept where they fit, and refused with the reason where not', async () => {
    const world = await made();
    const wrong = [
      [[1, 2, 3], `dimension: 3, expected ${DIMENSIONS}`],
      [[...given('x').slice(1), 'y'], 'not a list of finite numbers'],
      [[...given('x').slice(1), 1e300], 'not a list of finite numbers'],
      ['no list', 'not a list of finite numbers'],
      [Array.from({ length: DIMENSIONS }, () => 0), 'zero, which has no direction'],
    ] as const;
    await world.say('notes', [
      { id: 'a', text: 'good', embedding: given('good') },
      ...wrong.map(([embedding], at) => ({ id: `${at}`, text: `wrong ${at}`, embedding })),
      { id: 'n', text: 'none', embedding: null },
    ]);
    const index = opened(world);
    index.catchUp();
    const [hit, ...others] = await index.near(vectorOf('good'));
    expect([hit?.text, others]).toEqual(['good', []]);
    expect(hit?.scores.semantic).toBeCloseTo(1, 6);
    const range = { stream: 'notes', start: 0, end: 100 };
    expect(index.store.counts(range)).toEqual({ records: 7, given: 1, model: 0, refused: 5, texts: 6 });
    const reasons = index.store.withoutVector(range, 100).map(({ id }) => index.store.refusal(id));
    expect(reasons).toEqual([...wrong.map(([, reason]) => reason), undefined]);
  });

  it('are found without any text', async () => {
    const world = await made();
    await world.say('notes', [{ id: 'a', embedding: given('only a vector') }]);
    const index = opened(world);
    index.catchUp();
    expect(texts(await index.near(vectorOf('only a vector')))).toEqual(['']);
    expect(index.store.withoutVector({ stream: 'notes', start: 0, end: 9 }, 9)).toEqual([]);
  });
});

describe('versions', () => {
  it('replace what they revise, words and vector', async () => {
    const world = await made();
    const [first] = await world.say('notes', [{ id: 'a', text: 'old words', embedding: given('old') }]);
    const index = opened(world);
    index.catchUp();
    expect(texts(await index.near(vectorOf('old')))).toEqual(['old words']);
    await world.say('notes', [{ id: 'a', text: 'new words' }], first);
    index.catchUp();
    expect(texts(await index.find('words'))).toEqual(['new words']);
    expect(await index.find('old')).toEqual([]);
    expect(await index.near(vectorOf('old'))).toEqual([]);
  });

  it('in quarantine are not found until they are released, and then do not replace newer ones', async () => {
    const world = await made();
    const [early] = await world.say('notes', [{ id: 'a', text: 'early', v: 9 }]);
    const [alone] = await world.say('notes', [{ id: 'b', text: 'alone', v: 9 }]);
    const index = opened(world);
    index.catchUp();
    expect([await index.find('early'), await index.find('alone')]).toEqual([[], []]);
    await world.say('notes', [{ id: 'a', text: 'late', v: 1 }], early);
    await world.configure('notes', {});
    await world.resolve('notes', early!, 'release');
    await world.resolve('notes', alone!, 'release');
    index.catchUp();
    expect(texts(await index.find('alone'))).toEqual(['alone']);
    expect(await index.find('early')).toEqual([]);
    expect(texts(await index.find('late'))).toEqual(['late']);
  });

  it('without text still stand before older ones', async () => {
    const world = await made();
    const [early] = await world.say('notes', [{ id: 'a', text: 'early', v: 9 }]);
    await world.say('notes', [{ id: 'a', v: 1 }], early);
    await world.configure('notes', {});
    await world.resolve('notes', early!, 'release');
    const index = opened(world);
    index.catchUp();
    expect(await index.find('early')).toEqual([]);
  });
});

describe('an event that is erased', () => {
  it('is hidden at once, and then gone from every file', async () => {
    const world = await made();
    const mark = 'unmistakable';
    const secret = given('secret');
    const inIndex = (text: string) => filesWith(world.dir, text).filter((file) => file.startsWith('search.db'));
    const [first] = await world.say('safe', [{ id: 'a', text: `the ${mark} visit`, embedding: secret }]);
    const [second] = await world.say('safe', [{ id: 'a', text: `the ${mark} revisit`, embedding: secret }], first);
    await world.say('safe', [{ id: 'b', text: 'an ordinary visit', embedding: given('ordinary') }]);
    const index = opened(world);
    index.catchUp();
    expect(texts(await index.find('revisit'))).toEqual([`the ${mark} revisit`]);
    expect(texts(await index.near(secret, { k: 1 }))).toEqual([`the ${mark} revisit`]);
    expect(inIndex(mark)).not.toEqual([]);
    expect(vectorInIndex(world.dir, secret)).toBe(true);

    world.journalErasure('safe', [first!, second!]);
    expect(await index.find('revisit')).toEqual([]);
    expect(texts(await index.near(secret, { k: 1 }))).toEqual(['an ordinary visit']);

    await world.certify();
    expect(world.overwrite()).toBe(true);
    index.catchUp();
    expect(index.index.trim()).toBe(true);
    expect(inIndex(mark)).toEqual([]);
    expect(inIndex(mark.slice(2))).toEqual([]);
    expect(vectorInIndex(world.dir, secret)).toBe(false);
    expect(texts(await index.find('visit'))).toEqual(['an ordinary visit']);
  });

  it('is gone by what the log says alone', async () => {
    const world = await made();
    const positions = await world.say('safe', [{ id: 'a', text: 'unmistakable', embedding: given('a') }]);
    const index = opened(world);
    index.catchUp();
    world.journalErasure('safe', positions);
    await world.certify();
    index.catchUp();
    expect(index.store.counts({ stream: 'safe', start: 0, end: 99 }).records).toBe(0);
    expect(index.index.trim()).toBe(true);
    expect(filesWith(world.dir, 'unmistakable').filter((file) => file.startsWith('search.db'))).toEqual([]);
  });

  it('does not come into an index that is made afterwards', async () => {
    const world = await made();
    const positions = await world.say('safe', [{ id: 'a', text: 'gone' }]);
    await world.say('safe', [{ id: 'b', text: 'there' }]);
    world.journalErasure('safe', positions);
    const index = opened(world);
    index.catchUp();
    await world.certify();
    world.overwrite();
    index.catchUp();
    expect([await index.find('gone'), texts(await index.find('there'))]).toEqual([[], ['there']]);
  });
});

describe('an index', () => {
  async function filled(world: World): Promise<void> {
    const [first] = await world.say('notes', [{ id: '0', text: 'the first word', embedding: given('0') }]);
    for (let n = 1; n < 12; n++) {
      await world.say('notes', [{ id: `${n}`, text: `word number ${n % 3}`, embedding: given(`${n % 5}`) }]);
    }
    await world.say('notes', [{ id: '0', text: 'the last word', embedding: given('last') }], first);
    await world.say('safe', [{ id: 's', text: 'a word apart' }]);
  }

  async function answers(index: Opened): Promise<unknown> {
    const order = { batchTag: 't', ranges: [{ stream: 'safe', start: 0, end: 2 }] };
    await index.batches.run(order, NEVER, () => {});
    const hybrid = index.desk.search({ mode: 'hybrid', text: 'word', vector: given('apart'), k: 20 }, NEVER);
    return [await index.find('word'), await index.find('number -2'), await index.near(vectorOf('1')), await hybrid];
  }

  it('that is made anew gives the same answers', async () => {
    const world = await made();
    await filled(world);
    const index = opened(world);
    index.catchUp();
    const before = await answers(index);
    index.close();
    for (const file of ['search.db', 'search.db-wal', 'search.db-shm']) rmSync(join(world.dir, file), { force: true });
    const anew = opened(world);
    anew.catchUp();
    expect(await answers(anew)).toEqual(before);
  });

  it('goes on after every commit as though nothing had been', async () => {
    const world = await made();
    await filled(world);
    const whole = opened(world);
    whole.catchUp();
    const expected = await answers(whole);
    whole.close();
    rmSync(join(world.dir, 'search.db'));
    let restarts = 0;
    for (let more = true; more; restarts++) {
      const index = world.open();
      more = index.indexer.step();
      index.close();
    }
    expect(restarts).toBeGreaterThan(14);
    expect(await answers(opened(world))).toEqual(expected);
  });

  it('forgets a stream that is not searched any more, and begins again with one that is searched otherwise', async () => {
    const world = await made();
    await filled(world);
    opened(world).catchUp();
    const changed = opened(world, { searched: new Map([['notes', ['text', 'id']]]) });
    expect(await changed.find('word')).toEqual([]);
    changed.catchUp();
    expect((await changed.find('word')).map(({ stream }) => stream)).not.toContain('safe');
    expect(texts(await changed.find('7'))).toEqual(['word number 1\n7']);
    expect([...changed.store.places().keys()]).toEqual(['notes']);
  });

  it('of other dimensions takes other vectors', async () => {
    const world = await made();
    await world.say('notes', [{ id: 'a', text: 'three', embedding: [1, 2, 3] }]);
    opened(world).catchUp();
    const other = opened(world, { dimensions: 3 });
    other.catchUp();
    expect(texts(await other.near([1, 2, 3]))).toEqual(['three']);
  });

  it('of another model forgets what the last one has made, and nothing else', async () => {
    const world = await made();
    await world.say('notes', [
      { id: 'a', text: 'given', embedding: given('given') },
      { id: 'b', text: 'made' },
    ]);
    const index = opened(world);
    index.catchUp();
    const order = { batchTag: 't', ranges: [{ stream: 'notes', start: 0, end: 3 }] };
    await index.batches.run(order, NEVER, () => {});
    expect(texts(await index.near(vectorOf('made')))).toEqual(['made', 'given']);
    index.close();
    const same = opened(world);
    expect(texts(await same.near(vectorOf('made')))).toEqual(['made', 'given']);
    same.close();
    expect(texts(await opened(world, { embedder: new HashEmbedder('other') }).near(vectorOf('made')))).toEqual([
      'given',
    ]);
  });

  it('begins again over a log that is not the one it was made of', async () => {
    const [world, foreign] = [await made(), await made()];
    await world.say('notes', [{ id: 'a', text: 'ours' }]);
    await foreign.say('notes', [{ id: 'b', text: 'theirs' }]);
    const theirs = opened(foreign);
    theirs.catchUp();
    theirs.close();
    copyFileSync(join(foreign.dir, 'search.db'), join(world.dir, 'search.db'));
    const index = opened(world);
    index.catchUp();
    expect([await index.find('theirs'), texts(await index.find('ours'))]).toEqual([[], ['ours']]);
  });

  it('says when it has come so far', async () => {
    const world = await made();
    await world.say('notes', [{ id: 'a', text: 'a' }]);
    const index = opened(world);
    const reached: string[] = [];
    const here = index.indexer.reached('notes', 2, NEVER).then(() => reached.push('here'));
    const there = index.indexer.reached('notes', 3, NEVER).then(() => reached.push('there'));
    index.catchUp();
    await here;
    expect(reached).toEqual(['here']);
    await world.say('notes', [{ id: 'b', text: 'b' }]);
    index.catchUp();
    await there;
    await index.indexer.reached('notes', 3, NEVER);
    await expect(index.indexer.reached('other', 1, NEVER)).rejects.toMatchObject({ code: 'not-searched' });
    await expect(index.indexer.reached('notes', 9, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });
});

function vectorInIndex(dir: string, vector: readonly number[]): boolean {
  const bytes = Buffer.from(Float32Array.from(vector).buffer);
  const files = ['search.db', 'search.db-wal'].map((file) => join(dir, file));
  return files.some((file) => existsSync(file) && readFileSync(file).includes(bytes));
}
