/**
 * Country codes of ITU-T E.164 (list of assigned codes), with how many digits a number has after them: where it is not
 * said, as many as E.164 allows.
 */

/** Digits of a number with its country code (E.164, section 6.2.1), and the fewest that are taken for one. */
export const MAX_E164_DIGITS = 15;
const MIN_DIGITS = 8;

const ASSIGNED =
  '20 211 212 213 216 218 220-229 230-239 240-249 250-258 260-269 27 290 291 297 298 299 30 31 32 33 34 350-359 36 ' +
  '370-379 380 381 382 383 385 386 387 389 39 40 41 420 421 423 43 44 45 46 47 48 49 500-509 51 52 53 54 55 56 57 58 ' +
  '590-599 60 61 62 63 64 65 66 670 672-679 680-683 685-689 690 691 692 7 800 808 81 82 84 850 852 853 855 856 86 870 ' +
  '878 880 881 882 883 886 888 90 91 92 93 94 95 960-968 970-977 979 98 992-996 998';

/** Shortest and longest national number, where they are fixed closely enough to tell what follows a number. */
const LENGTHS: Record<string, readonly [shortest: number, longest: number]> = {
  ...{ 7: [10, 10], 20: [8, 10], 27: [9, 9], 30: [10, 10], 31: [9, 9], 32: [8, 9], 33: [9, 9], 34: [9, 9] },
  ...{ 36: [8, 9], 41: [9, 9], 44: [9, 10], 45: [8, 8], 47: [8, 8], 48: [9, 9], 52: [10, 10], 55: [10, 11] },
  ...{ 61: [9, 9], 65: [8, 8], 81: [9, 10], 82: [8, 10], 86: [10, 11], 90: [10, 10], 91: [10, 10], 351: [9, 9] },
  ...{ 353: [7, 9], 420: [9, 9], 852: [8, 8], 971: [8, 9], 972: [8, 9] },
};

const CODES = new Set(ASSIGNED.split(' ').flatMap(spread));

/** Area code and exchange begin with 2 to 9 (North American Numbering Plan). */
const NORTH_AMERICAN = /^1[2-9]\d\d[2-9]\d{6}$/;

/** @param digits of a number, from its country code on */
export function isInternational(digits: string): boolean {
  if (digits.startsWith('1')) return NORTH_AMERICAN.test(digits);
  if (digits.length < MIN_DIGITS || digits.length > MAX_E164_DIGITS) return false;
  const code = [1, 2, 3].map((length) => digits.slice(0, length)).find((start) => CODES.has(start));
  if (code === undefined) return false;
  const [shortest, longest] = LENGTHS[code] ?? [4, MAX_E164_DIGITS];
  const national = digits.length - code.length;
  return national >= shortest && national <= longest;
}

function spread(codes: string): string[] {
  const [from, to] = codes.split('-');
  if (to === undefined) return [codes];
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => String(Number(from) + index));
}
