import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { linearRegExp } from '../../src/normalize/linear-regexp.ts';

describe('is left to V8', () => {
  it.each([
    '^[a-z]+-[0-9]{1,6}$',
    '^[a-z0-9._-]{3,64}$',
    '^\\d{4}-\\d{2}-\\d{2}T',
    '^[A-Z]{2}\\d{4}$',
    '^[^@]+@[a-z.]+$',
    '^.*$',
    'sensor-\\d{3}',
    '[0-9a-f]{8}',
    '^$',
    '',
    '^a?b?c?$',
    '^\\w+\\.\\w+$',
    '^[-a-z]*[.]?$',
  ])('%s', (source) => {
    expect(linearRegExp(source)).toBeInstanceOf(RegExp);
  });
});

describe('is left to RE2', () => {
  it.each([
    ['^(a+)+$', 'a group'],
    ['a+', 'tried from every place'],
    ['[a-z]*\\d', 'tried from every place'],
    ['^[a-z]+[a-f]$', 'what repeats can be what follows'],
    ['^a*b?a$', 'what repeats can be what follows something optional'],
    ['^\\w+\\d$', 'a class within another'],
    ['^.*x', 'any character can be what follows'],
    ['^[^,]*é', 'a character beyond ASCII'],
    ['^a+?b', 'a lazy count'],
    ['ok|warn', 'alternatives'],
    ['^\\s+$', 'a class that the engines read differently'],
    ['^[[:alpha:]]+$', 'a POSIX class'],
    ['^\\pL$', 'a Unicode class'],
    ['a^b', 'an anchor in the middle'],
    ['a{,3}', 'braces that are no count'],
    ['^[a-\\d]$', 'an odd range'],
  ])('%s: %s', (source) => {
    expect(linearRegExp(source)).toBeUndefined();
  });
});

const character = fc.constantFrom(
  'a',
  'b',
  'z',
  '-',
  '.',
  '\\.',
  '\\-',
  '5',
  ' ',
  '/',
  ']',
  '\\]',
  '\\\\',
  '#',
  '~',
  ',',
);
const classMember = fc.constantFrom(
  'a',
  'b-y',
  '0-9',
  '\\d',
  '\\w',
  '.',
  '-',
  '\\-',
  '\\]',
  ' -/',
  '#',
  '$',
  '(',
  '*',
  '\\^',
);
const classOf = fc
  .tuple(fc.boolean(), fc.array(classMember, { minLength: 1, maxLength: 4 }))
  .map(([negated, members]) => `[${negated ? '^' : ''}${members.join('')}]`);
const count = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '{2,}', '{0,1}', '{,2}', '+?');
const expression = fc
  .tuple(
    fc.boolean(),
    fc.array(fc.tuple(fc.oneof(character, classOf, fc.constantFrom('\\d', '\\w')), count), { maxLength: 5 }),
    fc.boolean(),
  )
  .map(([start, items, end]) => `${start ? '^' : ''}${items.map((item) => item.join('')).join('')}${end ? '$' : ''}`);
const text = fc.array(
  fc.constantFrom(
    'a',
    'b',
    'z',
    'Z',
    '_',
    '-',
    '.',
    '5',
    ' ',
    '/',
    ']',
    '\\',
    '\n',
    '\r',
    '\u2028',
    'é',
    '😀',
    '#',
    ',',
  ),
  {
    maxLength: 8,
  },
);

it('what is left to V8 matches the same texts as RE2', () => {
  let left = 0;
  fc.assert(
    fc.property(expression, fc.array(text, { minLength: 5, maxLength: 10 }), (source, texts) => {
      let re2: RE2JS;
      try {
        re2 = RE2JS.compile(source);
      } catch {
        return;
      }
      const v8 = linearRegExp(source);
      if (v8 === undefined) return;
      left++;
      for (const item of texts)
        expect([source, item.join(''), v8.test(item.join(''))]).toEqual([
          source,
          item.join(''),
          re2.test(item.join('')),
        ]);
    }),
    { numRuns: 3000 },
  );
  expect(left).toBeGreaterThan(500);
});
