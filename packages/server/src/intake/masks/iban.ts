/**
 * International bank account numbers (ISO 13616): a country, two check digits and an account, of the country's length
 * and with the remainder 1 modulo 97; in a row, or in groups of four.
 */
import { type Form, isDigit, isLetter, isWord } from './text.ts';

/** Of the whole number, by country: the SWIFT IBAN registry. */
const LENGTHS = new Map(
  Object.entries({
    15: 'NO',
    16: 'BE',
    18: 'DK FI FK FO GL NL SD',
    19: 'MK SI',
    20: 'AT BA EE KZ LT LU MN XK',
    21: 'CH HR LI LV',
    22: 'BG BH CR DE GB GE IE ME RS VA',
    23: 'AE GI IL IQ OM SO TL',
    24: 'AD CZ ES MD PK RO SA SE SK TN VG YE',
    25: 'LY PT ST',
    26: 'IS TR',
    27: 'BI DJ FR GR IT MC MR SM',
    28: 'AL AZ BY CY DO GT HN HU LB NI PL SV',
    29: 'BR EG PS QA UA',
    30: 'JO KW MU',
    31: 'MT SC',
    32: 'LC',
    33: 'RU',
  }).flatMap(([length, countries]) =>
    countries.split(' ').map((country): [string, number] => [country, Number(length)]),
  ),
);
const SEPARATORS = ' -\u00a0\u202f';

export const IBAN: Form = {
  word: '[iban]',
  beginning: /(?<!\w)[A-Za-z]{2}\d{2}/g,
  endOf(text, at) {
    const length = LENGTHS.get(text.slice(at, at + 2).toUpperCase());
    const number = length === undefined ? undefined : read(text, at, length);
    return number !== undefined && remainder(number.compact) === 1 ? number.end : undefined;
  },
};

function read(text: string, at: number, length: number): { compact: string; end: number } | undefined {
  let compact = '';
  let end = at;
  while (compact.length < length) {
    const between = compact.length > 0 && compact.length % 4 === 0;
    if (between && end < text.length && SEPARATORS.includes(text[end] as string)) end++;
    const code = text.charCodeAt(end);
    if (!isDigit(code) && !isLetter(code)) return undefined;
    compact += text[end++];
  }
  return isWord(text.charCodeAt(end)) ? undefined : { compact, end };
}

/** ISO 7064, MOD 97-10: the first four characters last, and letters as 10 to 35. */
function remainder(compact: string): number {
  let rest = 0;
  for (const char of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}
