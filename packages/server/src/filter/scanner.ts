/** A text with a place in it. Every character is looked at a bounded number of times. */
import { FilterError, type FilterErrorCode } from './errors.ts';
import { MAX_FILTER_LENGTH } from './limits.ts';

/** What a path is compared with. */
export type Scalar = string | number | boolean | null;

export interface Literal {
  value: Scalar;
  position: number;
}

const BLANKS = /[ \t\r\n]*/y;
const WORD = /[A-Za-z_$@][A-Za-z0-9_$@-]*/y;
const INDEX = /(?:0|[1-9]\d{0,9})(?![A-Za-z0-9_$@-])/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER = /^-?\d+$/;
/** What may not follow a number directly. */
const GOES_ON = /[A-Za-z0-9_$@.+-]/;
const PLAIN = {
  // All but the quote, the backslash and control characters.
  '"': /[ !#-[\]-\uffff]*/y,
  "'": /[ -&(-[\]-\uffff]*/y,
};
const ESCAPES = new Map([
  ['"', '"'],
  ["'", "'"],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
const CODE_UNIT = /[0-9a-fA-F]{4}/y;
const FOUND_LENGTH = 16;

export class Scanner {
  readonly text: string;
  at = 0;

  /** @throws FilterError `too-long` */
  constructor(text: string) {
    if (text.length > MAX_FILTER_LENGTH) {
      throw new FilterError('too-long', MAX_FILTER_LENGTH, `longer than ${MAX_FILTER_LENGTH} characters`);
    }
    this.text = text;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  /** The character here; empty at the end. */
  get char(): string {
    return this.text[this.at] ?? '';
  }

  blanks(): void {
    this.#match(BLANKS);
  }

  /** Moves on past `symbol`, if it stands here. */
  eat(symbol: string): boolean {
    if (!this.text.startsWith(symbol, this.at)) return false;
    this.at += symbol.length;
    return true;
  }

  /** The word that begins here, without moving on. */
  peekWord(): string | undefined {
    const at = this.at;
    const word = this.#match(WORD);
    this.at = at;
    return word;
  }

  word(): string | undefined {
    return this.#match(WORD);
  }

  /** Moves on past a keyword, in whatever case. */
  eatWord(keyword: string): boolean {
    const word = this.peekWord();
    if (word?.toLowerCase() !== keyword) return false;
    this.at += keyword.length;
    return true;
  }

  /** The index of an array's item. */
  index(): string | undefined {
    return this.#match(INDEX);
  }

  number(): number {
    const start = this.at;
    const source = this.#match(NUMBER);
    if (source === undefined || GOES_ON.test(this.char)) {
      throw new FilterError('bad-number', start, 'expected a number as JSON has it');
    }
    const value = Number(source);
    const kept = Number.isSafeInteger(value) || (Number.isFinite(value) && !INTEGER.test(source));
    if (!kept) throw new FilterError('bad-number', start, 'expected a number that a double holds exactly');
    return value;
  }

  /** Text in single or double quotes, with the escapes of JSON. */
  string(): string {
    const start = this.at;
    const quote = this.char as '"' | "'";
    this.at++;
    let value = '';
    for (;;) {
      value += this.#match(PLAIN[quote]) ?? '';
      if (this.eat(quote)) break;
      if (this.done) throw new FilterError('bad-string', start, `expected a closing ${quote} to this text`);
      if (!this.eat('\\')) throw new FilterError('bad-string', this.at, 'expected control characters to be escaped');
      value += this.#escape();
    }
    if (!value.isWellFormed())
      throw new FilterError('bad-string', start, 'expected whole surrogate pairs in this text');
    return value;
  }

  #escape(): string {
    const start = this.at - 1;
    const plain = ESCAPES.get(this.char);
    if (plain !== undefined) {
      this.at++;
      return plain;
    }
    const code = this.eat('u') ? this.#match(CODE_UNIT) : undefined;
    if (code === undefined) {
      throw new FilterError(
        'bad-string',
        start,
        'expected an escape of JSON: \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX',
      );
    }
    return String.fromCharCode(Number.parseInt(code, 16));
  }

  /** The error for what stands here. */
  unexpected(expected: string, code: FilterErrorCode = 'unexpected'): FilterError {
    const rest = this.text.slice(this.at, this.at + FOUND_LENGTH);
    const found = rest === '' ? 'the end' : JSON.stringify(rest);
    return new FilterError(code, this.at, `expected ${expected}, found ${found}`);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }
}
