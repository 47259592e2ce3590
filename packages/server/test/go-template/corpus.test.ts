/** What Go renders of every template in the corpus, we render byte for byte; where it fails, so do we, and alike. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JsonData } from '../../src/go-template/values.ts';
import { type Case, failureHere, GO_MISSING, goIsThere, type Rendered, renderHere, renderWithGo } from './oracle.ts';

const CORPUS = join(import.meta.dirname, 'corpus');
const UNSUPPORTED = join(import.meta.dirname, 'unsupported');
const data = JSON.parse(readFileSync(join(CORPUS, 'data.json'), 'utf8')) as JsonData;
const topics = readdirSync(CORPUS).filter((name) => name.endsWith('.jsonl'));

function casesIn(path: string): Case[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => ({ data, ...(JSON.parse(line) as Case) }));
}

/** The kind of failure, and its line. */
function kindOf({ error }: Rendered): string | undefined {
  if (error === undefined) return undefined;
  const line = /^(?:\w+: )?template: t:(\d+)/.exec(error)?.[1];
  return `${/executing|^(?:execution|limit): /.test(error) ? 'execution' : 'syntax'} in line ${line}`;
}

describe('the corpus', () => {
  test.for(topics)('%s', (file, { skip }) => {
    if (process.env.REQUIRE_SERVICES === '1') expect(goIsThere, GO_MISSING).toBe(true);
    skip(!goIsThere, GO_MISSING);
    const cases = casesIn(join(CORPUS, file));
    const go = renderWithGo(cases);
    const differences = cases.flatMap((one, index) => {
      const there = go[index] as Rendered;
      const here = renderHere(one);
      const same = here.out === there.out && kindOf(here) === kindOf(there);
      return same ? [] : [{ template: one.template, there, here }];
    });
    expect(differences).toEqual([]);
  });
});

test.each(casesIn(join(UNSUPPORTED, 'cases.jsonl')))('refused, though Go may render it: $template', (one) => {
  expect(failureHere(one)?.code).toBe('unsupported');
});
