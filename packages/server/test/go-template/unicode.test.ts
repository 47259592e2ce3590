/** Which characters are printed as they are, and which may stand in a name: all of Unicode, and Go's tables. */
import { expect, test } from 'vitest';
import { type Case, GO_MISSING, goIsThere, renderHere, renderWithGo } from './oracle.ts';

const LAST = 0x10ffff;
const SLICE = 0x1000;

function* slices(): Generator<string> {
  for (let first = 0; first <= LAST; first += SLICE) {
    const runes = Array.from({ length: SLICE }, (_, index) => first + index);
    yield String.fromCodePoint(...runes.filter((rune) => rune < 0xd800 || rune > 0xdfff));
  }
}

test('quoted and escaped', ({ skip }) => {
  if (process.env.REQUIRE_SERVICES === '1') expect(goIsThere, GO_MISSING).toBe(true);
  skip(!goIsThere, GO_MISSING);
  const cases: Case[] = Array.from(slices(), (data) => ({ template: '{{printf "%q" .}}{{js .}}{{urlquery .}}', data }));
  const go = renderWithGo(cases);
  const differing = cases.filter((one, index) => renderHere(one).out !== go[index]?.out);
  expect(differing).toEqual([]);
});

test('in names', ({ skip }) => {
  if (process.env.REQUIRE_SERVICES === '1') expect(goIsThere, GO_MISSING).toBe(true);
  skip(!goIsThere, GO_MISSING);
  // Letters and digits of every class, some newer than Go's tables, and what is neither.
  const chars = [...'aÅßǅʰאअ०٣𐐀𝟎Ⅷ²½́‿_-ⅷⅰ〇一㐀ꟍ𞗐𐵀૰𖫀🙂ﬃ'];
  const cases: Case[] = chars.flatMap((char) => [
    { template: `{{$a${char} := 1}}{{$a${char}}}` },
    { template: `{{.${char}}}`, data: { [char]: 'found' } },
  ]);
  const go = renderWithGo(cases);
  expect(cases.map((one) => renderHere(one).out)).toEqual(go.map(({ out }) => out));
});
