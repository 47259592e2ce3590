/**
 * Payment card numbers (ISO/IEC 7812-1): 13 to 19 digits in a row or in the groups that are printed on cards, with the
 * issuer digits and the length of a payment network and a right check digit (Luhn). One in ten other numbers of such
 * issuer digits and length has a right check digit, too.
 */
import { beginsApart, endsApart, type Form, stickyEnd } from './text.ts';

const IN_A_ROW = /\d{13,19}/y;
/** As printed: 4-4-4-4 with one to three digits more or none, 4-4-4-1, 4-6-5 and 4-6-4. */
const PRINTED = [
  /\d{4}([- \u00a0\u202f])\d{4}\1\d{4}\1\d{4}\1\d{1,3}/y,
  /\d{4}([- \u00a0\u202f])\d{4}\1\d{4}\1\d{4}/y,
  /\d{4}([- \u00a0\u202f])\d{4}\1\d{4}\1\d/y,
  /\d{4}([- \u00a0\u202f])\d{6}\1\d{4,5}/y,
];

/** Issuer digits from and to, both filled up to six digits, and lengths of the whole, from and to. */
type Issuer = readonly [from: number, to: number, shortest: number, longest: number];

/** As the networks publish them. */
const ISSUERS: readonly Issuer[] = [
  // Mir, Mastercard
  ...([
    [220000, 220499, 16, 19],
    [222100, 272099, 16, 16],
    [510000, 559999, 16, 16],
  ] as const),
  // Diners Club, American Express, JCB
  ...([
    [300000, 305999, 14, 19],
    [309500, 309599, 14, 19],
    [360000, 369999, 14, 19],
    [380000, 399999, 14, 19],
    [340000, 349999, 15, 15],
    [370000, 379999, 15, 15],
    [352800, 358999, 16, 19],
  ] as const),
  // Visa
  ...([
    [400000, 499999, 13, 13],
    [400000, 499999, 16, 16],
    [400000, 499999, 19, 19],
  ] as const),
  // Maestro and national schemes; Discover, UnionPay, RuPay, Troy
  ...([
    [500000, 509999, 16, 19],
    [560000, 589999, 16, 19],
    [600000, 699999, 16, 19],
    [810000, 829999, 16, 19],
    [979200, 979299, 16, 16],
  ] as const),
];

export const CARD: Form = {
  word: '[card]',
  beginning: /(?<!\w)[2-9]\d{3}(?:\d{9}|[- \u00a0\u202f]\d{4})/g,
  endOf(text, at) {
    if (!beginsApart(text, at, '.-')) return undefined;
    for (const form of [IN_A_ROW, ...PRINTED]) {
      const end = stickyEnd(form, text, at);
      if (end !== undefined && endsApart(text, end, '.-') && isCard(text.slice(at, end).replace(/\D/g, ''))) return end;
    }
    return undefined;
  },
};

function isCard(digits: string): boolean {
  const issuer = Number(digits.slice(0, 6));
  const { length } = digits;
  const issued = ISSUERS.some(
    ([from, to, shortest, longest]) => issuer >= from && issuer <= to && length >= shortest && length <= longest,
  );
  return issued && luhn(digits);
}

/** ISO/IEC 7812-1, annex B. */
function luhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place++) {
    const digit = Number(digits[digits.length - 1 - place]);
    const doubled = place % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
