/**
 * What people type, as an expression of FTS5: every word and every "quoted phrase" has to be there, `word*` stands for
 * all words that begin so, `-word` and `-"a phrase"` must not be there. Everything else is text: there are no operators
 * and no columns, and nothing that is typed is a syntax error.
 */
import { SearchError } from './errors.ts';

export const MAX_QUERY_LENGTH = 1000;
export const MAX_TERMS = 32;

interface Term {
  text: string;
  prefix: boolean;
  excluded: boolean;
}

/** `-` only where a term begins: `well-known` is text. A quote that is not closed reaches to the end. */
const TERM = /(?<excluded>-?)(?:"(?<phrase>[^"]*)(?:"|$)|(?<word>[^\s"]+))/gu;
/** What the index takes for parts of words; of anything else it has nothing to find. */
const WORD_CHARACTER = /[\p{L}\p{N}\p{Co}]/u;

/**
 * @returns undefined where nothing is asked for that could be found: no words, or only such as must not be there
 * @throws SearchError `query-invalid` where it is too long
 */
export function wordExpression(query: string): string | undefined {
  if (query.length > MAX_QUERY_LENGTH) {
    throw new SearchError('query-invalid', `a query has at most ${MAX_QUERY_LENGTH} characters`);
  }
  const terms = [...query.replaceAll('\0', ' ').matchAll(TERM)]
    .map(toTerm)
    .filter(({ text }) => WORD_CHARACTER.test(text));
  if (terms.length > MAX_TERMS) {
    throw new SearchError('query-invalid', `a query has at most ${MAX_TERMS} words and phrases`);
  }
  const wanted = terms.filter(({ excluded }) => !excluded).map(written);
  const unwanted = terms.filter(({ excluded }) => excluded).map(written);
  if (wanted.length === 0) return undefined;
  const all = wanted.join(' AND ');
  return unwanted.length === 0 ? all : `(${all}) NOT (${unwanted.join(' OR ')})`;
}

function toTerm({ groups }: RegExpMatchArray): Term {
  const { excluded = '', phrase, word = '' } = groups ?? {};
  const prefix = phrase === undefined && word.endsWith('*');
  return { text: phrase ?? word, prefix, excluded: excluded === '-' };
}

/** As a string of FTS5, which takes it apart as it takes texts apart. There is no quote in it. */
function written({ text, prefix }: Term): string {
  return `"${text}"${prefix ? ' *' : ''}`;
}
