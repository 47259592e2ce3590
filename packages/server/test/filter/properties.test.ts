import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FilterError } from '../../src/filter/errors.ts';
import { Fields } from '../../src/filter/fields.ts';
import { Filter } from '../../src/filter/filter.ts';
import { Split } from '../../src/filter/split.ts';
import { filterText, metadata, payload, subject } from './generated.ts';

const RUNS = { numRuns: 2000 };

test('the one spelling is read as the same filter', () => {
  fc.assert(
    fc.property(filterText, subject, (text, about) => {
      const filter = Filter.parse(text);
      const again = Filter.parse(filter.canonical);
      expect(again.canonical).toBe(filter.canonical);
      expect(again.matches(about)).toBe(filter.matches(about));
      expect(again.mayMatch(about)).toBe(filter.mayMatch(about));
      expect(again.required?.values).toEqual(filter.required?.values);
    }),
    RUNS,
  );
});

test('De Morgan', () => {
  fc.assert(
    fc.property(filterText, filterText, subject, (a, b, about) => {
      const is = (text: string) => Filter.parse(text).matches(about);
      expect(is(`not ((${a}) and (${b}))`)).toBe(is(`not (${a}) or not (${b})`));
      expect(is(`not ((${a}) or (${b}))`)).toBe(is(`not (${a}) and not (${b})`));
      expect(is(`not (${a})`)).toBe(!is(a));
      expect(is(`(${a}) and (${b})`)).toBe(is(a) && is(b));
      expect(is(`(${a}) or (${b})`)).toBe(is(a) || is(b));
    }),
    RUNS,
  );
});

test('what matches with some payload may match without', () => {
  fc.assert(
    fc.property(filterText, metadata, payload, (text, about, normalized) => {
      const filter = Filter.parse(text);
      if (filter.matches({ ...about, normalized })) expect(filter.mayMatch(about)).toBe(true);
      if (!text.includes('normalized') && !text.includes('payload') && !/\b(?:a|tags)\b/.test(text)) {
        expect(filter.mayMatch(about)).toBe(filter.matches(about));
      }
    }),
    RUNS,
  );
});

test('what matches lies between the bounds of the range', () => {
  let seen = 0;
  fc.assert(
    fc.property(filterText, subject, (text, about) => {
      const filter = Filter.parse(text);
      if (filter.range === undefined || !filter.matches(about)) return;
      seen++;
      const { path, low, high } = filter.range;
      const value = path.read(about) as number;
      expect(typeof value).toBe('number');
      expect(value >= low && value <= high).toBe(true);
    }),
    { numRuns: 3000 },
  );
  expect(seen).toBeGreaterThan(0);
});

test('what matches satisfies the required equality', () => {
  let seen = 0;
  fc.assert(
    fc.property(filterText, subject, (text, about) => {
      const filter = Filter.parse(text);
      if (filter.required === undefined || !filter.matches(about)) return;
      seen++;
      const { path, values } = filter.required;
      expect(path.valuesIn(about).some((value) => (values as unknown[]).includes(value))).toBe(true);
    }),
    { numRuns: 5000 },
  );
  expect(seen).toBeGreaterThan(0);
});

const fragment = fc.constantFrom(
  ...[
    '(',
    ')',
    'not ',
    '!',
    ' and ',
    ' or ',
    ' in ',
    '[',
    ']',
    ',',
    '"',
    "'",
    '\\',
    '\\u',
    '.',
    'a',
    '0',
    '-',
    '1e',
    '==',
    '<',
  ],
  ...['exists ', 'eventTime', 'null', ' ', '\0', '\n', 'é', '\ud800', '=', '&&', '||', '/'],
);
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 3000 }),
  fc.array(fragment, { maxLength: 400 }).map((parts) => parts.join('')),
  fc.tuple(fragment, fc.nat(100_000)).map(([part, times]) => part.repeat(times)),
  filterText.chain((text) =>
    fc.tuple(fc.nat(text.length), fragment).map(([at, part]) => text.slice(0, at) + part + text.slice(at + 1)),
  ),
);

test('whatever comes is read, or refused with a place in the text', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      for (const parse of [Filter.parse, Fields.parse, (key: string) => Split.parse('0/1', key)]) {
        try {
          parse(text);
        } catch (error) {
          if (!(error instanceof FilterError)) throw error;
          expect(error.position).toBeGreaterThanOrEqual(0);
          expect(error.position).toBeLessThanOrEqual(text.length);
        }
      }
    }),
    RUNS,
  );
});
