/**
 * RE2JS takes 0.3 to 1.5 µs for texts that V8's own engine matches in 0.03 to 0.1. V8 goes back and tries again, which
 * can take exponential time; but for the plain expressions that most fields have, it can be shown that it does not.
 *
 * Those are sequences of characters and classes, each perhaps repeated, without groups and alternatives, where
 * (a) every repetition has a fixed count: a try is as long as the expression and has only one way to go; or
 * (b) the expression begins with `^`, and what is repeated a varying number of times shares no character with anything
 *     that can come next. There is one try. Going back into a repetition means to go on at a character of its class,
 *     where by assumption nothing else can begin and the text does not end either: it fails at once, having passed at
 *     most the items that may be left out. So each character is gone back to once, at a cost bounded by the length of
 *     the expression.
 */

/** ASCII characters by their code; the last stands for all other characters. */
type CharSet = boolean[];
const OTHERS = 128;

interface Item {
  set: CharSet;
  min: number;
  max: number;
}

/** @param source an expression that RE2 accepts; undefined where it is not known to be linear */
export function linearRegExp(source: string): RegExp | undefined {
  const start = source.startsWith('^');
  const end = source.endsWith('$') && !source.endsWith('\\$');
  const items = parseItems(source.slice(start ? 1 : 0, end ? -1 : undefined));
  if (items === undefined || !(start ? deterministic(items) : fixed(items))) return undefined;
  // Written anew from the sets, since the two engines do not mean the same by `.` and `\s`.
  const body = items.map(({ set, min, max }) => `${classOf(set)}{${min},${max === Infinity ? '' : max}}`);
  return new RegExp(`${start ? '^' : ''}${body.join('')}${end ? '$' : ''}`, 'u');
}

/** Of ASCII alone: V8 14 does not find the end of "😀" with `/[^a]$/u`, though it does with `/^[^a]$/u`. */
function fixed(items: readonly Item[]): boolean {
  return items.every(({ set, min, max }) => min === max && !set[OTHERS]);
}

/** What repeats by a fixed count is, too. */
function deterministic(items: readonly Item[]): boolean {
  return items.every(({ set, min, max }, index) => {
    if (min === max) return true;
    for (const next of items.slice(index + 1)) {
      if (set.some((has, code) => has && next.set[code])) return false;
      if (next.min > 0) return true;
    }
    return true;
  });
}

const PRINTABLE_ASCII = /^[ -~]*$/;
const MEMBER = String.raw`\\[dw]|\\[^a-zA-Z0-9]|[^\\[\]^]`;
const ITEM = new RegExp(String.raw`\[(\^?)((?:${MEMBER})+)\]|(\\[dw]|\\[^a-zA-Z0-9]|[^\\^$*+?()[\]{}|])`, 'y');
const MEMBERS = new RegExp(MEMBER, 'g');
const COUNT = /(?:\{(\d+)(,?)(\d*)\}|([?*+]))/y;

/** Anything that is not a character, a class, or a count after one, is left to RE2. */
function parseItems(source: string): Item[] | undefined {
  if (!PRINTABLE_ASCII.test(source)) return undefined;
  const items: Item[] = [];
  let at = 0;
  const take = (token: RegExp): RegExpExecArray | null => {
    token.lastIndex = at;
    const match = token.exec(source);
    if (match !== null) at = token.lastIndex;
    return match;
  };
  while (at < source.length) {
    const item = take(ITEM);
    if (item === null) return undefined;
    const [, negated, members, single] = item;
    const set = single === undefined ? classSet(members ?? '', negated === '^') : setOf(single);
    if (set === undefined) return undefined;
    items.push({ set, ...countOf(take(COUNT)) });
  }
  return items;
}

function countOf(match: RegExpExecArray | null): { min: number; max: number } {
  if (match === null) return { min: 1, max: 1 };
  const [, from, comma, to, sign] = match;
  if (sign !== undefined) return { min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Infinity };
  const min = Number(from);
  if (comma === '') return { min, max: min };
  return { min, max: to === '' ? Infinity : Number(to) };
}

function classSet(source: string, negated: boolean): CharSet | undefined {
  const members = source.match(MEMBERS) ?? [];
  const set: CharSet = Array(OTHERS + 1).fill(false);
  for (let at = 0; at < members.length; at++) {
    const member = members[at] as string;
    const last = members[at + 2];
    if (member === '-' && at > 0 && at < members.length - 1) return undefined;
    if (members[at + 1] === '-' && last !== undefined) {
      if (member.length > 1 || last.length > 1) return undefined;
      for (let code = member.charCodeAt(0); code <= last.charCodeAt(0); code++) set[code] = true;
      at += 2;
    } else {
      setOf(member === '.' ? '\\.' : member).forEach((has, code) => {
        set[code] ||= has;
      });
    }
  }
  return negated ? set.map((has) => !has) : set;
}

/** @param token a character, an escaped one, `\d`, `\w` or `.` */
function setOf(token: string): CharSet {
  return Array.from({ length: OTHERS + 1 }, (_, code) => {
    if (token === '.') return code !== 0x0a;
    if (code === OTHERS) return false;
    const char = String.fromCharCode(code);
    if (token === '\\d') return /[0-9]/.test(char);
    if (token === '\\w') return /[0-9A-Za-z_]/.test(char);
    return char === token.at(-1);
  });
}

/** The set as an expression, with the `u` flag. */
function classOf(set: CharSet): string {
  const members = set.slice(0, OTHERS).map((has, code) => (has ? `\\x${code.toString(16).padStart(2, '0')}` : ''));
  return `[${members.join('')}${set[OTHERS] ? '\\u{80}-\\u{10ffff}' : ''}]`;
}
