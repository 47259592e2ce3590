/** Words of a text as the index has them: its tokenizer is `unicode61 remove_diacritics 2` of SQLite's FTS5. */

export interface Token {
  /** Lower case, without diacritics. */
  word: string;
  /** Where it stands in the text, `[start, end)` in UTF-16 units. */
  start: number;
  end: number;
}

/** Letters, numbers and private use; a diacritic goes on with a word, and begins none. */
const WORD = /[\p{L}\p{N}\p{Co}](?:[\p{L}\p{N}\p{Co}]|[\u0300-\u036f])*/gu;
const BEYOND_ASCII = /[^\p{ASCII}]/gu;
const DIACRITIC = /^[\u0300-\u036f]/;
const LATIN = /^[a-z]/;

export function tokensOf(text: string): Token[] {
  return Array.from(text.matchAll(WORD), ({ 0: found, index }) => ({
    word: found.replace(BEYOND_ASCII, folded).toLowerCase(),
    start: index,
    end: index + found.length,
  }));
}

/** Of composed letters, the Latin ones alone lose their diacritics: of ё nothing is taken. */
function folded(character: string): string {
  if (DIACRITIC.test(character)) return '';
  const lower = character.toLowerCase();
  const parts = lower.normalize('NFD');
  return LATIN.test(parts) ? parts.slice(0, 1) : lower;
}
