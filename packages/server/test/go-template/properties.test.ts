/** Random values, formats and templates: what Go makes of them in one run, and what we make of them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printfCase, templateCase } from './generated.ts';
import { type Case, GO_MISSING, goIsThere, type Rendered, renderHere, renderWithGo } from './oracle.ts';

const CASES = 3000;

test.for<[string, fc.Arbitrary<Case>]>([
  ['printf', printfCase],
  ['templates', templateCase],
])('%s', ([, arbitrary], { skip }) => {
  if (process.env.REQUIRE_SERVICES === '1') expect(goIsThere, GO_MISSING).toBe(true);
  skip(!goIsThere, GO_MISSING);
  // Go is asked once for all of them: what differs is reported as it was drawn, with the seed to draw it again.
  const seed = Math.floor(Math.random() * 2 ** 31);
  const cases = fc.sample(arbitrary, { numRuns: CASES, seed });
  const go = renderWithGo(cases);
  const differences = cases.flatMap((one, index) => {
    const there = go[index] as Rendered;
    const here = renderHere(one);
    return here.out === there.out || (there.out !== undefined && isRefused(here)) ? [] : [{ ...one, there, here }];
  });
  expect(differences, `seed ${seed}`).toEqual([]);
  const rendered = go.filter(({ out }) => out !== undefined).length;
  expect(rendered).toBeGreaterThan(CASES / 10);
});

/** What only Go renders, such as a slice that reaches behind the end of a list. */
function isRefused({ error }: Rendered): boolean {
  return error?.startsWith('unsupported: ') ?? false;
}
