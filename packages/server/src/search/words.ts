/**
 * What people type, as an expression of FTS5: every word and every "quoted phrase" has to be there, `word*` stands for
 * all words that begin so, `-word` and `-"a phrase"` must not be there. Everything else is text: there are no operators
 * and no columns, and nothing that is typed is a syntax error.
 */
import { SearchError } from './errors.ts';
import { tokensOf } from './tokens.ts';

export const MAX_QUERY_LENGTH = 1000;
/**
 * What a query costs is bounded by how many words are looked up. A phrase, and what is taken apart as `well-known` is,
 * costs as much as its words.
 */
export const MAX_WORDS = 16;
/** The index puts together what it has of all words that begin so, for every search anew. */
export const MAX_PREFIXES = 4;
export const MIN_PREFIX_LENGTH = 2;

/** Words one after another, as the index has them. */
export interface Phrase {
  words: readonly string[];
  /** Whether the last of them is but the beginning of a word. */
  prefix: boolean;
}

export interface WordQuery {
  /** Of FTS5. */
  expression: string;
  /** What has to be there. */
  wanted: readonly Phrase[];
}

interface Term extends Phrase {
  /** As it was typed. */
  text: string;
  excluded: boolean;
}

/** `-` only where a term begins: `well-known` is text. A quote that is not closed reaches to the end. */
const TERM = /(?<excluded>-?)(?:"(?<phrase>[^"]*)(?:"|$)|(?<word>[^\s"]+))/gu;

/**
 * @returns undefined where nothing is asked for that could be found: no words, or only such as must not be there
 * @throws SearchError `query-invalid` where it is too long, or takes too much
 */
export function wordQuery(query: string): WordQuery | undefined {
  if (query.length > MAX_QUERY_LENGTH) throw invalid(`a query has at most ${MAX_QUERY_LENGTH} characters`);
  const read = [...query.replaceAll('\0', ' ').matchAll(TERM)].map(toTerm).filter(({ words }) => words.length > 0);
  // What is said twice is asked for once.
  const terms = [...new Map(read.map((term) => [nameOf(term), term])).values()];
  checkCost(terms);
  const wanted = terms.filter(({ excluded }) => !excluded);
  const unwanted = terms.filter(({ excluded }) => excluded).map(written);
  if (wanted.length === 0) return undefined;
  const all = wanted.map(written).join(' AND ');
  return { expression: unwanted.length === 0 ? all : `(${all}) NOT (${unwanted.join(' OR ')})`, wanted };
}

function checkCost(terms: readonly Term[]): void {
  const words = terms.reduce((sum, term) => sum + term.words.length, 0);
  if (words > MAX_WORDS)
    throw invalid(`a query has at most ${MAX_WORDS} different words, all of its phrases among them`);
  const prefixes = terms.filter(({ prefix }) => prefix);
  if (prefixes.length > MAX_PREFIXES)
    throw invalid(`a query has at most ${MAX_PREFIXES} beginnings of words ("word*")`);
  for (const { words } of prefixes) {
    const [...characters] = words.at(-1) ?? '';
    if (characters.length < MIN_PREFIX_LENGTH) {
      throw invalid(
        `of a word's beginning ("${words.join(' ')}*"), at least ${MIN_PREFIX_LENGTH} characters are needed`,
      );
    }
  }
}

function toTerm({ groups }: RegExpMatchArray): Term {
  const { excluded = '', phrase, word = '' } = groups ?? {};
  const text = phrase ?? word;
  const prefix = phrase === undefined && word.endsWith('*');
  return { text, words: tokensOf(text).map(({ word: one }) => one), prefix, excluded: excluded === '-' };
}

/** The same for terms that find the same. */
function nameOf({ words, prefix, excluded }: Term): string {
  return `${excluded ? '-' : ''}${words.join(' ')}${prefix ? '*' : ''}`;
}

/** As a string of FTS5, which takes it apart as it takes texts apart. There is no quote in it. */
function written({ text, prefix }: Term): string {
  return `"${text}"${prefix ? ' *' : ''}`;
}

function invalid(message: string): SearchError {
  return new SearchError('query-invalid', message);
}
