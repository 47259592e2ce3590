/**
 * The part of a text around what was found. Made of the text alone: FTS5's own `snippet` searches anew for every hit,
 * which took 110 s for 100 hits of a long query over 60,000 records.
 */
import type { Hit } from './service.ts';
import { type Token, tokensOf } from './tokens.ts';
import type { Phrase } from './words.ts';

type Snippet = NonNullable<Hit['snippet']>;

const SNIPPET_WORDS = 32;
/** UTF-16 units of a text that are looked at, so that long texts keep nobody waiting; what is found beyond is not shown. */
const LOOKED_AT = 16_384;
/** Places where the part may begin, of which the best is taken. */
const MAX_STARTS = 100;
/** A phrase that is not yet in the part counts more than any number of those that are. */
const NEW_PHRASE = 1000;
const MORE = '…';

/** A phrase in a text: its first word, and its last. */
interface Match {
  phrase: Phrase;
  first: number;
  last: number;
}

export function snippetOf(text: string, phrases: readonly Phrase[]): Snippet {
  const tokens = tokensOf(text.slice(0, LOOKED_AT));
  const matches = matchesIn(tokens, phrases);
  const first = beginningOf(tokens, matches);
  const end = Math.min(tokens.length, first + SNIPPET_WORDS);
  const whole = end === tokens.length && text.length <= LOOKED_AT;
  const from = first === 0 ? 0 : tokens[first]!.start;
  const to = whole ? text.length : (tokens[end - 1]?.end ?? 0);
  const before = first === 0 ? '' : MORE;
  const shift = before.length - from;
  const shown = matches.filter((match) => match.first >= first && match.last < end);
  return {
    text: `${before}${text.slice(from, to)}${whole ? '' : MORE}`,
    marks: joined(shown).map((match) => [tokens[match.first]!.start + shift, tokens[match.last]!.end + shift]),
  };
}

/** Phrases that share words are one mark. */
function joined(matches: readonly Match[]): Pick<Match, 'first' | 'last'>[] {
  const marks: Pick<Match, 'first' | 'last'>[] = [];
  for (const { first, last } of matches) {
    const before = marks.at(-1);
    if (before !== undefined && first <= before.last) before.last = Math.max(before.last, last);
    else marks.push({ first, last });
  }
  return marks;
}

/** In the order of the text. */
function matchesIn(tokens: readonly Token[], phrases: readonly Phrase[]): Match[] {
  return tokens.flatMap((_, first) =>
    phrases
      .filter((phrase) => stands(tokens, first, phrase))
      .map((phrase) => ({ phrase, first, last: first + phrase.words.length - 1 })),
  );
}

function stands(tokens: readonly Token[], first: number, { words, prefix }: Phrase): boolean {
  return words.every((word, at) => {
    const there = tokens[first + at]?.word;
    if (there === undefined) return false;
    return prefix && at === words.length - 1 ? there.startsWith(word) : there === word;
  });
}

/** The first word of the part: where most phrases are, and what is found in the middle. */
function beginningOf(tokens: readonly Token[], matches: readonly Match[]): number {
  let best = { score: 0, first: 0, last: 0 };
  for (const [at, { first }] of matches.slice(0, MAX_STARTS).entries()) {
    const seen = new Set<Phrase>();
    let [score, last] = [0, first];
    for (let next = at; next < matches.length && matches[next]!.first < first + SNIPPET_WORDS; next++) {
      const match = matches[next]!;
      if (match.last >= first + SNIPPET_WORDS) continue;
      score += seen.has(match.phrase) ? 1 : NEW_PHRASE;
      seen.add(match.phrase);
      last = Math.max(last, match.last);
    }
    if (score > best.score) best = { score, first, last };
  }
  const spare = SNIPPET_WORDS - (best.last - best.first + 1);
  return Math.max(0, Math.min(best.first - Math.floor(spare / 2), tokens.length - SNIPPET_WORDS));
}
