import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskText } from '../../src/intake/masking.ts';
import { CARDS, EMAILS, IBANS, IPS, NEITHER, PHONES, SSNS } from './masking-vectors.ts';

const WORDS = /\[(?:email|phone|card|iban|ip|ssn)\]/g;

describe.each([
  ['[email]', EMAILS],
  ['[phone]', PHONES],
  ['[card]', CARDS],
  ['[iban]', IBANS],
  ['[ip]', IPS],
  ['[ssn]', SSNS],
] as const)('%s', (word, examples) => {
  test.each(examples)('%s', (example) => {
    expect(maskText(example)).toBe(word);
  });

  test.each([
    ['in a sentence', 'It is ', ', as far as I know.'],
    ['in parentheses', 'me (', ')'],
    ['in quotes', '‘', '’!'],
    ['at the end of a sentence', 'Mine:\n', '.\nYours?'],
  ])('%s, with nothing around it touched', (_, before, after) => {
    for (const example of examples) expect(maskText(before + example + after)).toBe(before + word + after);
  });
});

test.each(NEITHER)('%s stays', (text) => {
  expect(maskText(text)).toBe(text);
  expect(maskText(`see ${text}, or (${text}).`)).toBe(`see ${text}, or (${text}).`);
});

test('beside words without spaces, what is written in Latin letters is told from them', () => {
  for (const example of [...EMAILS, ...PHONES, ...CARDS, ...IBANS, ...IPS, ...SSNS].filter((one) => one < '\u007f')) {
    expect(maskText(`这是${example}，请记下`)).toMatch(/^这是\[[a-z]+\]，请记下$/);
  }
});

describe('of what stands around an address', () => {
  test.each([
    ['mailto:bob@example.org?subject=hi', 'mailto:[email]?subject=hi'],
    ['https://example.org/find?by=mail&q=bob@example.org&page=2', 'https://example.org/find?by=mail&q=[email]&page=2'],
    ['https://example.org/users/bob@example.org/', 'https://example.org/users/[email]/'],
    ['level=info user=bob@example.org', 'level=info user=[email]'],
    ["'bob@example.org', *bob@example.org*, _bob@example.org_", "'[email]', *[email]*, _[email]_"],
    ['请联系zhang@example.com谢谢', '请联系[email]谢谢'],
    ['bob@example.com으로', '[email]으로'],
    ['@bob@mastodon.example', '@[email]'],
    ['bob@example.org.', '[email].'],
    ['bob@example.org-1.2.3.4', '[email]-[ip]'],
    ['a@b.co@c.org', '[email]@c.org'],
    ['["really", "@example.org"]', '["really", "@example.org"]'],
    ['\\"me\\"@example.org', '\\"me\\"@example.org'],
  ])('%s', (text, masked) => {
    expect(maskText(text)).toBe(masked);
  });
});

describe('of what stands around a number', () => {
  test.each([
    ['tel:+1-201-555-0123;ext=7', 'tel:[phone];ext=7'],
    ['+49 30 901820 2026-03-01', '[phone] 2026-03-01'],
    ['+49 30 901820 10:30', '[phone] 10:30'],
    ['+1 415-555-0132 12 boxes', '[phone] 12 boxes'],
    ['020 7946 0958 12', '[phone] 12'],
    ['4111 1111 1111 1111 123 12/29', '[card] 123 12/29'],
    ['1) 078-05-1120 2) 219-09-9999', '1) [ssn] 2) [ssn]'],
    ['IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFFXXX', 'IBAN [iban] BIC COBADEFFXXX'],
    ['from 192.0.2.1:8080 to [2001:db8::1]:80', 'from [ip]:8080 to [[ip]]:80'],
    ['192.0.2.1/32, 192.0.2.1-192.0.2.9', '[ip]/32, [ip]-[ip]'],
    ['connect to 2001:db8::1: refused', 'connect to [ip]: refused'],
    // RFC 5952, section 6: how ports are written.
    ['2001:db8::1.80 2001:db8::1p80 2001:db8::1#80', '[ip].80 [ip]p80 [ip]#80'],
    ['fe80::1%eth0', '[ip]%eth0'],
  ])('%s', (text, masked) => {
    expect(maskText(text)).toBe(masked);
  });
});

const ALL = [...EMAILS, ...PHONES, ...CARDS, ...IBANS, ...IPS, ...SSNS, ...NEITHER];
const pieces = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ALL) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...' -.:/@+#"()[]<>=&?_%,\\\n', '::', '"@', '1', '0', '415', '5551', 'ffff', 'x.org'),
  },
  { weight: 1, arbitrary: fc.constantFrom(...ALL).chain((one) => fc.nat(one.length).map((to) => one.slice(0, to))) },
  { weight: 1, arbitrary: fc.constantFrom(...ALL).chain((one) => fc.nat(one.length).map((from) => one.slice(from))) },
  { weight: 1, arbitrary: fc.constantFrom('tel', 'é', '系', 'v', 'version ', 'a', 'gb29', '[ip]', '[email]') },
);
const texts = fc.array(pieces, { maxLength: 9 }).map((all) => all.join('').toWellFormed());

describe('whatever the text', () => {
  const runs = { numRuns: 5000 };
  const timeout = 60_000;

  test(
    'a masked text stays as it is',
    () => {
      fc.assert(
        fc.property(texts, (text) => {
          const masked = maskText(text);
          expect(maskText(masked)).toBe(masked);
        }),
        runs,
      );
    },
    timeout,
  );

  test(
    'what is not masked is there, in its order, and nothing else',
    () => {
      fc.assert(
        fc.property(texts, (text) => {
          const plain = text.replace(WORDS, '');
          let rest = plain;
          for (const kept of maskText(plain).split(WORDS)) {
            const at = rest.indexOf(kept);
            expect(at).not.toBe(-1);
            rest = rest.slice(at + kept.length);
          }
        }),
        runs,
      );
    },
    timeout,
  );

  test(
    'it is still well-formed',
    () => {
      fc.assert(
        fc.property(fc.array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 3 }))), (all) => {
          expect(maskText(all.join('').toWellFormed()).isWellFormed()).toBe(true);
        }),
      );
    },
    timeout,
  );

  test('a number among letters and digits of its own kind is none', () => {
    for (const example of [...CARDS, ...IBANS, ...SSNS]) {
      for (const text of [`x${example}`, `${example}x`, `_${example}`, `7${example}`])
        expect(maskText(text)).toBe(text);
    }
  });
});

/** Nothing is timed: with more than linear work this would not end. */
describe('a long text that is meant to take long', () => {
  const parts = [
    ...['@', 'a@', 'a@b.', 'a@b-', '"@', '\\"@', 'a"b@', '?a=', '&', '//', '~', 'a.', '系', '系@', '-', 'x.co'],
    ...[
      '1',
      '4',
      '4 ',
      '4111 ',
      '4111-',
      '0',
      '01 ',
      '00 ',
      '+',
      '+1 ',
      '(',
      '(0)',
      '(4',
      '1-',
      '1.',
      '12 3',
      '01.23.',
    ],
    ...[
      ':',
      '::',
      '1:',
      '2001:',
      '2001::',
      '::ffff:',
      '1.2.3.',
      '255.',
      'GB29',
      'DE89 ',
      'FR14 2004 ',
      '000-',
      '078-05-',
    ],
  ];

  test.each(parts)('%j', (part) => {
    const long = part.repeat(Math.ceil(100_000 / part.length));
    for (const text of [long, `a@${long}`, `"${long}"@x.org`, `${long}@x.org`]) {
      expect(maskText(text).length).toBeLessThanOrEqual(text.length * 2);
    }
  });

  test('of several such parts in turn', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { minLength: 2, maxLength: 4 }), (some) => {
        const masked = maskText(some.join('').repeat(1000));
        expect(maskText(masked)).toBe(masked);
      }),
      { numRuns: 50 },
    );
  }, 60_000);
});
