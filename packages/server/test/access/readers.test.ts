import { describe, expect, test } from 'vitest';
import { Readers } from '../../src/access/readers.ts';

const TOKENS = [
  { id: 'acme', token: 'acme-acme-acme-acme', streams: new Set(['closed']) },
  { id: 'auditor', token: 'auditor-auditor-auditor', streams: 'all' as const },
];

let now = 1_772_366_400_000;
const readers = new Readers(TOKENS, () => now);
const [ACME, AUDITOR] = TOKENS.map(({ id, streams }) => ({ id, streams }));

describe('a token that was given out', () => {
  test('is its reader, and no other text is', () => {
    expect(readers.bearer('acme-acme-acme-acme')).toEqual(ACME);
    expect(readers.bearer('auditor-auditor-auditor')).toEqual(AUDITOR);
    for (const text of ['', 'acme', 'acme-acme-acme-acm', 'acme-acme-acme-acme ']) {
      expect(readers.bearer(text)).toBeUndefined();
    }
  });
});

describe('a token that passes', () => {
  test.each([ACME!, AUDITOR!])('stands for its reader until it expires: $id', (reader) => {
    const { token, expiresAt } = readers.issue(reader);
    expect(token).toMatch(/^[A-Za-z0-9._-]+$/);
    expect(expiresAt - now).toBe(300_000);
    expect(readers.passing(token)).toEqual(reader);
    expect(readers.bearer(token)).toBeUndefined();
    now = expiresAt - 1;
    expect(readers.passing(token)).toEqual(reader);
    now = expiresAt;
    expect(readers.passing(token)).toBeUndefined();
  });

  test('is none when a character of it is another, is missing or is added, nor from another process', () => {
    const { token } = readers.issue(ACME!);
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, at) + other + token.slice(at + 1);
      // The last character of base64url has bits that say nothing.
      if (at !== token.length - 1) expect(readers.passing(changed)).toBeUndefined();
      expect(readers.passing(token.slice(0, at))).toBeUndefined();
    }
    for (const text of ['', '.', 'a.b.c', `.${token}`, `${token.split('.')[0]}.`]) {
      expect(readers.passing(text)).toBeUndefined();
    }
    expect(new Readers(TOKENS, () => now).passing(token)).toBeUndefined();
  });
});
