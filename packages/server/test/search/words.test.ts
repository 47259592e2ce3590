import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_QUERY_LENGTH, MAX_TERMS, wordExpression } from '../../src/search/words.ts';

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
  const expression = wordExpression(query);
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

  it('is bounded', () => {
    expect(() => wordExpression('a'.repeat(MAX_QUERY_LENGTH + 1))).toThrow(/characters/);
    expect(() => wordExpression('a '.repeat(MAX_TERMS + 1))).toThrow(/words/);
    expect(found('quick '.repeat(MAX_TERMS))).toEqual([TEXTS[0], TEXTS[1]]);
  });
});
