import { describe, expect, test } from 'vitest';
import { namesTag } from '../../src/http/entity-tag.ts';
import { type Answer, FeedCache, type FeedCacheOptions } from '../../src/http/feed-cache.ts';

function answer(bytes = 1, keep = true): Answer {
  return { body: Buffer.alloc(bytes), etag: '""', keep };
}

/** A cache whose clock and making are in the test's hands. */
function cached(options: Partial<FeedCacheOptions> = {}) {
  const clock = { now: 0 };
  const made: string[] = [];
  const cache = new FeedCache({ ttlMs: 1000, now: () => clock.now, ...options });
  const get = (key: string, make = async () => answer()) =>
    cache.get(key, () => {
      made.push(key);
      return make();
    });
  return { cache, clock, made, get };
}

describe('answers', () => {
  test('are given for their time, counted from when they were begun, and then made anew', async () => {
    const { clock, made, get } = cached();
    const first = await get('a');
    clock.now = 999;
    expect(await get('a')).toBe(first);
    clock.now = 1000;
    expect(await get('a')).not.toBe(first);
    expect(made).toEqual(['a', 'a']);
  });

  test('are apart by their keys', async () => {
    const { made, get } = cached();
    expect(await get('a')).not.toBe(await get('b'));
    expect(made).toEqual(['a', 'b']);
  });

  test('are made once for all who ask meanwhile', async () => {
    const { made, get } = cached();
    const making = Promise.withResolvers<Answer>();
    const asked = [get('a', () => making.promise), get('a'), get('a')];
    making.resolve(answer());
    expect(new Set(await Promise.all(asked)).size).toBe(1);
    expect(made).toEqual(['a']);
  });

  test('that fail, fail for all who wait, and are made anew', async () => {
    const { made, get } = cached();
    const asked = [get('a', () => Promise.reject(new RangeError('no'))), get('a')];
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await get('a')).body).toHaveLength(1);
    expect(made).toEqual(['a', 'a']);
  });

  test('that are not to be kept are shared by those who wait alone', async () => {
    const { made, get } = cached();
    await Promise.all([get('a', async () => answer(1, false)), get('a')]);
    await get('a');
    expect(made).toEqual(['a', 'a']);
  });

  test('are each their own without a time', async () => {
    const { made, get } = cached({ ttlMs: 0 });
    await Promise.all([get('a'), get('a')]);
    expect(made).toEqual(['a', 'a']);
  });
});

describe('clear', () => {
  test('lets go of everything', async () => {
    const { cache, made, get } = cached();
    await get('a');
    cache.clear();
    await get('a');
    expect(made).toEqual(['a', 'a']);
  });

  test('and what was being made is for those who waited, and for nobody else', async () => {
    const { cache, made, get } = cached();
    const making = Promise.withResolvers<Answer>();
    const before = get('a', () => making.promise);
    cache.clear();
    const after = await get('a');
    making.resolve(answer());
    expect(await before).not.toBe(after);
    expect(await get('a')).toBe(after);
    expect(made).toEqual(['a', 'a']);
  });
});

describe('the oldest go', () => {
  test('and what was let go of while it was being made takes no room', async () => {
    const { cache, made, get } = cached({ maxBytes: 100 });
    const making = Promise.withResolvers<Answer>();
    const before = get('a', () => making.promise);
    cache.clear();
    making.resolve(answer(100));
    await before;
    for (const key of ['b', 'b']) await get(key, async () => answer(100));
    expect(made).toEqual(['a', 'b']);
  });

  test('when there are too many', async () => {
    const { made, get } = cached({ maxEntries: 2 });
    for (const key of ['a', 'b', 'c', 'c', 'b', 'a']) await get(key);
    expect(made).toEqual(['a', 'b', 'c', 'a']);
  });

  test('when they are too large together', async () => {
    const { made, get } = cached({ maxBytes: 100 });
    const large = async () => answer(60);
    for (const key of ['a', 'b', 'b', 'a']) await get(key, large);
    expect(made).toEqual(['a', 'b', 'a']);
  });

  test('and one that alone is too large stays for nobody, at no cost to the rest to come', async () => {
    const { made, get } = cached({ maxBytes: 100 });
    await get('a', async () => answer(101));
    await get('b', async () => answer(100));
    await get('a', async () => answer(101));
    await get('c', async () => answer(100));
    await get('c');
    expect(made).toEqual(['a', 'b', 'a', 'c']);
  });
});

test.each([
  [undefined, false],
  ['', false],
  ['"x"', false],
  ['x-1', false],
  ['"x-1"', true],
  [' "x-1" ', true],
  ['W/"x-1"', true],
  ['"a", W/"b","x-1"', true],
  ['"a, "x-1', false],
  ['*', true],
  [' * ', true],
  ['"*"', false],
])('If-None-Match: %s', (header, is) => {
  expect(namesTag(header, '"x-1"')).toBe(is);
});
