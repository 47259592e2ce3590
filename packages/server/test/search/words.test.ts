import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokensOf } from '../../src/search/tokens.ts';
import { MAX_PREFIXES, MAX_QUERY_LENGTH, MAX_WORDS, wordQuery } from '../../src/search/words.ts';

const TEXTS = [
  'the quick brown fox',
  'a quick red hen',
  'café au lait',
  'a well-known fact',
  'NOT a fact',
  'column: text',
];

const db = new DatabaseSync(':memory:');
db.exec("CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')");
for (const text of TEXTS) db.prepare('INSERT INTO words VALUES (?)').run(text);

function found(query: string): string[] {
  const expression = wordQuery(query)?.expression;
  if (expression === undefined) return [];
  const rows = db.prepare('SELECT text FROM words WHERE words MATCH ? ORDER BY rowid').all(expression);
  return rows.map(({ text }) => String(text));
}

describe('what is typed', () => {
  it.each([
    ['quick', [TEXTS[0], TEXTS[1]]],
    ['quick fox', [TEXTS[0]]],
    ['"quick brown"', [TEXTS[0]]],
    ['"brown quick"', []],
    ['"quick brown', [TEXTS[0]]],
    ['qui*', [TEXTS[0], TEXTS[1]]],
    ['qui', []],
    ['"qui*"', []],
    ['quick -fox', [TEXTS[1]]],
    ['quick -"red hen"', [TEXTS[0]]],
    ['quick -re* -br*', []],
    ['-quick', []],
    ['cafe', [TEXTS[2]]],
    ['CAFÉ', [TEXTS[2]]],
    ['well-known', [TEXTS[3]]],
    ['fact NOT', [TEXTS[4]]],
    ['text:', [TEXTS[5]]],
    ['column:text', [TEXTS[5]]],
    ['quick ! ? *', [TEXTS[0], TEXTS[1]]],
    ['quick -!', [TEXTS[0], TEXTS[1]]],
    ['say"quick"', []],
    ['^quick', [TEXTS[0], TEXTS[1]]],
    ['NEAR(quick fox)', []],
    ['', []],
    ['"" * -', []],
  ])('%s', (query, expected) => {
    expect(found(query)).toEqual(expected);
  });

  it('is never a syntax error', () => {
    const token = fc.constantFrom(
      '"',
      '*',
      '-',
      '+',
      '(',
      ')',
      ':',
      '^',
      '{',
      '}',
      'AND',
      'OR',
      'NOT',
      'NEAR/2',
      ' ',
      '\0',
      "'",
      '\\',
    );
    const query = fc
      .array(fc.oneof(token, fc.string({ unit: 'binary', maxLength: 5 }), fc.constant('quick')))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        query.filter((text) => text.length <= MAX_QUERY_LENGTH),
        (text) => {
          try {
            return Array.isArray(found(text));
          } catch (error) {
            return (error as { code?: string }).code === 'query-invalid';
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('finds a text by any of its words, and not where one of them must not be there', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TEXTS), fc.nat(), (text, n) => {
        const words = text.split(/[^\p{L}]+/u).filter(Boolean);
        const word = words[n % words.length]!;
        expect(found(word)).toContain(text);
        expect(found(`${words[0]} -${word}`)).not.toContain(text);
      }),
    );
  });

  const different = (count: number, like: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => like(n)).join(' ');

  it.each([
    ['characters', 'a'.repeat(MAX_QUERY_LENGTH + 1), /1000 characters/],
    ['terms', different(MAX_WORDS + 1, (n) => `w${n}`), /16 different words/],
    ['terms that must not be there', `quick ${different(MAX_WORDS, (n) => `-w${n}`)}`, /16 different words/],
    ['words in a phrase', `"${'a '.repeat(MAX_WORDS + 1)}"`, /16 different words/],
    ['words in one word', 'a.'.repeat(MAX_WORDS + 1), /16 different words/],
    ['words in all phrases', different(MAX_WORDS / 2, (n) => `"a b${n} c"`), /16 different words/],
    ['beginnings', different(MAX_PREFIXES + 1, (n) => `w${n}*`), /4 beginnings/],
    ['beginnings that must not be there', `quick ${different(MAX_PREFIXES + 1, (n) => `-w${n}*`)}`, /4 beginnings/],
    ['a short beginning', 'quick v*', /"v\*".* 2 characters/],
    ['a short beginning that must not be there', 'quick -v*', /2 characters/],
    ['a short beginning after a word', 'quick well-k*', /2 characters/],
    ['a short beginning with a diacritic', 'e\u0301*', /2 characters/],
    ['a short beginning of two units', '\u{10400}*', /2 characters/],
  ])('has not too many: %s', (_what, query, message) => {
    expect(() => wordQuery(query)).toThrow(
      expect.objectContaining({ code: 'query-invalid', message: expect.stringMatching(message) }),
    );
  });

  it('is taken up to the bounds', () => {
    expect(found(different(MAX_WORDS, (n) => `w${n}`))).toEqual([]);
    expect(found(`"${'quick '.repeat(MAX_WORDS)}"`)).toEqual([]);
    expect(found('qu* qui* quic* quick*')).toEqual([TEXTS[0], TEXTS[1]]);
  });

  it('asks once for what is said often, however it is written', () => {
    expect(wordQuery('vi* '.repeat(32))?.expression).toBe('"vi*" *');
    expect(wordQuery(`quick Quick "QUICK" qu\u00efck -FOX -fox ${'quick '.repeat(40)}`)?.expression).toBe(
      '("quick") NOT ("fox")',
    );
    expect(found('quick '.repeat(MAX_WORDS + 1))).toEqual([TEXTS[0], TEXTS[1]]);
  });
});

it.each([
  'The quick, brown fox_2 jumps',
  'Cafe\u0301 CAFÉ naïve Ångström',
  'ЁЖИК и Ёлка, ΆΛΦΑ, straße',
  '日本語 テキスト ３つ',
  "don't e-mail x\u0001y 1.5",
])('words are those of the index: %s', (text) => {
  const own = new DatabaseSync(':memory:');
  own.exec("CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')");
  own.exec('CREATE VIRTUAL TABLE parts USING fts5vocab (words, instance)');
  own.prepare('INSERT INTO words VALUES (?)').run(text);
  const parts = own.prepare('SELECT term FROM parts ORDER BY "offset"').all();
  expect(tokensOf(text).map(({ word }) => word)).toEqual(parts.map(({ term }) => term));
  own.close();
});
