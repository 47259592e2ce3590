import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROBLEM_CODES } from '../../src/http/problem.ts';
import { REJECTION_CODES } from '../../src/intake/errors.ts';

const page = readFileSync(join(import.meta.dirname, '../../../../docs/errors.md'), 'utf8');

/** The codes in the first column of the table under a heading. */
function described(heading: string): string[] {
  const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| `([a-zA-Z0-9-]+)` \|/gm)].map((match) => match[1] ?? '').sort();
}

test('docs/errors.md describes every answer code, and no other', () => {
  expect(described('Answers')).toEqual([...PROBLEM_CODES].sort());
});

test('docs/errors.md describes every reason to refuse an event, and no other', () => {
  expect(described('Refused events')).toEqual([...REJECTION_CODES].sort());
});
