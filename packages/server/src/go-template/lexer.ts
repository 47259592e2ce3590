/** Splits a template into the texts between actions and the tokens within them. */
import { decodeRune } from './bytes.ts';
import { isAlphanumeric } from './unicode.ts';

export type TokenType =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'identifier'
  | 'keyword'
  | 'bool'
  | 'nil'
  | 'dot'
  | 'field'
  | 'variable'
  | 'number'
  | 'complex'
  | 'char'
  | 'string'
  | 'raw-string'
  | 'assign'
  | 'declare'
  | 'pipe'
  | 'left-paren'
  | 'right-paren'
  | 'comma'
  | 'other'
  | 'eof'
  | 'error';

export interface Token {
  type: TokenType;
  /** Index of its first byte. */
  pos: number;
  /** As it stands in the template; of an error, the message. */
  text: string;
}

const KEYWORDS = new Set([
  ...['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'template', 'with'],
]);
const LEFT = '{{';
const RIGHT = '}}';
const BLANK = /[ \t\r\n]/;
const BLANKS = /[ \t\r\n]*/y;
const TRAILING_BLANKS = /[ \t\r\n]+$/;
const QUOTED = { '"': /"(?:\\[^\n]|[^"\\\n])*"/y, "'": /'(?:\\[^\n]|[^'\\\n])*'/y, '`': /`[^`]*`/y };
const QUOTED_TYPES = { '"': 'string', "'": 'char', '`': 'raw-string' } as const;
const QUOTED_NAMES = { '"': 'quoted string', "'": 'character constant', '`': 'raw quoted string' };
const NUMBER =
  /[+-]?(?:0[xX][\da-fA-F_]*(?:\.[\da-fA-F_]*)?(?:[pP][+-]?[\d_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?[\d_]*)?)i?/y;
const SINGLE = new Map<string, TokenType>([
  ['=', 'assign'],
  ['|', 'pipe'],
  ['(', 'left-paren'],
  [')', 'right-paren'],
  [',', 'comma'],
]);

/** @returns the tokens up to the end, or up to what is none: the last is then an `error` */
export function tokenize(source: string): Token[] {
  return new Lexer(source).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #depth = 0;
  #failed = false;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    while (!this.#failed && this.#at < this.#source.length) this.#textAndAction();
    if (!this.#failed) this.#add('eof', this.#at);
    return this.#tokens;
  }

  #textAndAction(): undefined {
    const start = this.#at;
    const open = this.#source.indexOf(LEFT, start);
    const text = this.#source.slice(start, open < 0 ? this.#source.length : open);
    const inside = open + LEFT.length;
    const trims = open >= 0 && this.#source[inside] === '-' && BLANK.test(this.#source[inside + 1] ?? '');
    const kept = trims ? text.replace(TRAILING_BLANKS, '') : text;
    this.#at = start + text.length;
    if (kept !== '') this.#tokens.push({ type: 'text', pos: start, text: kept });
    if (open < 0) return;
    const begin = inside + (trims ? 2 : 0);
    if (this.#source.startsWith('/*', begin)) return this.#comment(begin);
    this.#at = inside;
    this.#add('open', open);
    this.#at = begin;
    this.#action();
  }

  #comment(begin: number): undefined {
    const end = this.#source.indexOf('*/', begin + 2);
    if (end < 0) return this.#fail(begin, 'unclosed comment');
    this.#at = end + 2;
    const close = this.#closing();
    if (close === undefined) return this.#fail(begin, 'comment ends before closing delimiter');
    this.#pass(close);
  }

  #action(): undefined {
    this.#depth = 0;
    while (!this.#failed) {
      const close = this.#closing();
      if (close === undefined) this.#insideAction();
      else if (this.#depth > 0) this.#fail(this.#at, 'unclosed left paren');
      else {
        const pos = this.#at;
        this.#pass(close);
        this.#tokens.push({ type: 'close', pos, text: RIGHT });
        return;
      }
    }
  }

  /** Whether the action ends here, with or without a trim marker. */
  #closing(): 'plain' | 'trims' | undefined {
    if (this.#source.startsWith(RIGHT, this.#at)) return 'plain';
    const marker = BLANK.test(this.#source[this.#at] ?? '') && this.#source.startsWith(`-${RIGHT}`, this.#at + 1);
    return marker ? 'trims' : undefined;
  }

  #pass(close: 'plain' | 'trims'): undefined {
    this.#at += RIGHT.length;
    if (close === 'plain') return;
    this.#at += 2;
    this.#at += this.#match(BLANKS).length;
  }

  #insideAction(): undefined {
    const start = this.#at;
    const char = this.#source[start];
    if (char === undefined) return this.#fail(start, 'unclosed action');
    if (BLANK.test(char)) return this.#space();
    const next = this.#source[start + 1] ?? '';
    if (char === '"' || char === "'" || char === '`') return this.#quoted(char);
    if (char === ':') return next === '=' ? this.#take('declare', 2) : this.#fail(start, 'expected :=');
    if (char === '$' || (char === '.' && next !== '' && !/\d/.test(next))) return this.#fieldOrVariable(char);
    if (/[\d.+-]/.test(char)) return this.#number();
    if (char === '(') this.#depth++;
    if (char === ')' && --this.#depth < 0) return this.#fail(start, 'unexpected right paren');
    const single = SINGLE.get(char);
    if (single !== undefined) return this.#take(single, 1);
    if (this.#alphanumeric() > 0) return this.#word();
    if (/[ -~]/.test(char)) return this.#take('other', 1);
    return this.#fail(start, 'unrecognized character in action');
  }

  /** The last blank before `-}}` is part of the trim marker. */
  #space(): undefined {
    const start = this.#at;
    const blanks = this.#match(BLANKS).length;
    const trims = this.#source.startsWith(`-${RIGHT}`, start + blanks);
    this.#take('space', trims ? blanks - 1 : blanks);
  }

  #quoted(quote: '"' | "'" | '`'): undefined {
    const text = this.#match(QUOTED[quote]);
    if (text === '') return this.#fail(this.#at, `unterminated ${QUOTED_NAMES[quote]}`);
    this.#take(QUOTED_TYPES[quote], text.length);
  }

  #fieldOrVariable(first: '$' | '.'): undefined {
    const start = this.#at;
    this.#at++;
    while (this.#alphanumeric() > 0) this.#at += this.#alphanumeric();
    if (!this.#atTerminator()) return this.#fail(this.#at, 'bad character');
    if (first === '$') this.#add('variable', start);
    else this.#add(this.#at === start + 1 ? 'dot' : 'field', start);
  }

  #word(): undefined {
    const start = this.#at;
    while (this.#alphanumeric() > 0) this.#at += this.#alphanumeric();
    if (!this.#atTerminator()) return this.#fail(this.#at, 'bad character');
    const word = this.#source.slice(start, this.#at);
    if (KEYWORDS.has(word)) this.#add('keyword', start);
    else if (word === 'true' || word === 'false') this.#add('bool', start);
    else this.#add(word === 'nil' ? 'nil' : 'identifier', start);
  }

  /** What is no number after all, such as `089`, is found out when its value is read. */
  #number(): undefined {
    const start = this.#at;
    const real = this.#match(NUMBER);
    this.#at += real.length;
    const imaginary = /[+-]/.test(this.#source[this.#at] ?? '') ? this.#match(NUMBER) : '';
    const bad = imaginary === '' ? /[+-]/.test(this.#source[this.#at] ?? '') : !imaginary.endsWith('i');
    this.#at += imaginary.length;
    if (bad || this.#alphanumeric() > 0) return this.#fail(start, 'bad number syntax');
    this.#add(imaginary === '' ? 'number' : 'complex', start);
  }

  /** What may follow a name. */
  #atTerminator(): boolean {
    const next = this.#source[this.#at];
    return next === undefined || /[ \t\r\n.,|:()]/.test(next) || this.#source.startsWith(RIGHT, this.#at);
  }

  /** @returns the length in bytes of the letter, digit or underscore that stands here, else 0 */
  #alphanumeric(): number {
    if (this.#at >= this.#source.length) return 0;
    const { rune, size } = decodeRune(this.#source, this.#at);
    return isAlphanumeric(rune) ? size : 0;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source)?.[0] ?? '';
  }

  #take(type: TokenType, length: number): undefined {
    const start = this.#at;
    this.#at += length;
    this.#add(type, start);
  }

  #add(type: TokenType, start: number): undefined {
    this.#tokens.push({ type, pos: start, text: this.#source.slice(start, this.#at) });
  }

  #fail(pos: number, text: string): undefined {
    this.#failed = true;
    this.#tokens.push({ type: 'error', pos, text });
  }
}
