import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { snippetOf } from '../../src/search/snippet.ts';
import { wordQuery } from '../../src/search/words.ts';

function shown(text: string, query: string): string {
  const { text: part, marks } = snippetOf(text, wordQuery(query)?.wanted ?? []);
  return marks
    .toReversed()
    .reduce((all, [start, end]) => `${all.slice(0, start)}[${all.slice(start, end)}]${all.slice(end)}`, part);
}

const filler = (count: number) => Array.from({ length: count }, (_, n) => `w${n}`).join(' ');

describe('what is found is marked', () => {
  it.each([
    ['A heron, over the marsh.', 'heron', 'A [heron], over the marsh.'],
    ['"Herons" and a heron', 'hero*', '"[Herons]" and a [heron]'],
    ['Café, cafe\u0301, CAFE', 'café', '[Café], [cafe\u0301], [CAFE]'],
    ['red hen, red fox', '"red fox"', 'red hen, [red fox]'],
    ['a well-known fact', 'well-kno*', 'a [well-known] fact'],
    ['the red fox runs', '"the red" "red fox" fox', '[the red fox] runs'],
    ['reed reed', 'reed', '[reed] [reed]'],
    ['a heron', 'heron -reed', 'a [heron]'],
    ['nothing of it', 'heron', 'nothing of it'],
    ['', 'heron', ''],
  ])('%s', (text, query, expected) => {
    expect(shown(text, query)).toBe(expected);
  });
});

it('is in the middle of the 32 words that are shown', () => {
  const part = shown(`${filler(40)} heron ${filler(40)}`, 'heron');
  expect(part).toMatch(/^…w25 .* w39 \[heron\] w0 .* w15…$/);
  expect(part.split(' ')).toHaveLength(32);
  expect(shown(`heron ${filler(40)}`, 'heron')).toMatch(/^\[heron\] w0 .* w30…$/);
  expect(shown(`${filler(40)} heron`, 'heron')).toMatch(/^…w9 .* w39 \[heron\]$/);
});

it('is shown where most of what is asked for stands', () => {
  const text = `heron heron heron ${filler(40)} heron reed ${filler(40)}`;
  expect(shown(text, 'heron reed')).toContain('[heron] [reed]');
});

it('is looked for in the beginning of a very long text', () => {
  const { text, marks } = snippetOf(`${'far away '.repeat(4000)}heron`, wordQuery('heron')?.wanted ?? []);
  expect([text.length < 400, text.endsWith('…'), marks]).toEqual([true, true, []]);
});

it('is a part of the text, with marks in order and around what was asked for', () => {
  const word = fc.constantFrom('heron', 'reed', 'Reed', 'marsh', 'é');
  fc.assert(
    fc.property(fc.array(word, { maxLength: 90 }), fc.uniqueArray(word, { minLength: 1 }), (words, asked) => {
      const whole = words.join(' ');
      const { text, marks } = snippetOf(whole, wordQuery(asked.join(' '))?.wanted ?? []);
      expect(whole).toContain(text.replaceAll('…', ''));
      const low = asked.map((one) => one.toLowerCase());
      const there = text
        .replaceAll('…', '')
        .split(' ')
        .filter((one) => low.includes(one.toLowerCase()));
      expect(marks.map(([start, end]) => text.slice(start, end))).toEqual(there);
    }),
  );
});
