/** `printf`: Go's format strings, and what it prints of those that are wrong. */
import { decodeRune, encodeRune } from './bytes.ts';
import { type Flags, noFlags } from './flags.ts';
import { format } from './print.ts';
import { GoInt, typeName, type Value } from './values.ts';

/** The largest width or precision. */
const MAX_NUMBER = 1_000_000;
const FLAGS = new Map<string, 'plus' | 'minus' | 'sharp' | 'space' | 'zero'>([
  ['+', 'plus'],
  ['-', 'minus'],
  ['#', 'sharp'],
  [' ', 'space'],
  ['0', 'zero'],
]);

export function sprintf(text: string, args: readonly Value[]): string {
  return new Formatter(text, args).run();
}

class Formatter {
  readonly #text: string;
  readonly #args: readonly Value[];
  #written = '';
  #at = 0;
  /** Index of the argument that comes next. */
  #next = 0;
  /** Whether any argument was given by its number: then none is missed at the end. */
  #reordered = false;
  #goodNumber = true;
  /** Whether the last thing read was an argument's number. */
  #afterNumber = false;

  constructor(text: string, args: readonly Value[]) {
    this.#text = text;
    this.#args = args;
  }

  run(): string {
    while (this.#at < this.#text.length) {
      const percent = this.#text.indexOf('%', this.#at);
      const end = percent < 0 ? this.#text.length : percent;
      this.#written += this.#text.slice(this.#at, end);
      this.#at = end + 1;
      if (percent >= 0) this.#directive();
    }
    if (!this.#reordered && this.#next < this.#args.length) this.#extra();
    return this.#written;
  }

  #directive(): void {
    this.#goodNumber = true;
    this.#afterNumber = false;
    const flags = this.#flags();
    this.#argumentNumber();
    this.#width(flags);
    if (this.#text[this.#at] === '.' && this.#at + 1 < this.#text.length) this.#precision(flags);
    if (!this.#afterNumber) this.#argumentNumber();
    if (this.#at >= this.#text.length) {
      this.#written += '%!(NOVERB)';
      return;
    }
    const { rune, size } = decodeRune(this.#text, this.#at);
    const verb = encodeRune(rune);
    this.#at += size;
    this.#print(verb, flags);
  }

  #print(verb: string, flags: Flags): void {
    if (verb === '%') this.#written += '%';
    else if (!this.#goodNumber) this.#written += `%!${verb}(BADINDEX)`;
    else if (this.#next >= this.#args.length) this.#written += `%!${verb}(MISSING)`;
    else {
      const value = this.#args[this.#next++];
      const plain = verb === 'v' || verb === 'w';
      const shown = plain ? { ...flags, source: flags.sharp, sharp: false, plus: false } : flags;
      this.#written += format(value, verb, shown);
    }
  }

  #flags(): Flags {
    const flags = noFlags();
    for (let name = FLAGS.get(this.#char()); name !== undefined; name = FLAGS.get(this.#char())) {
      flags[name] = true;
      this.#at++;
    }
    return flags;
  }

  #width(flags: Flags): void {
    if (this.#char() === '*') {
      const width = this.#argumentAsNumber();
      if (width === undefined) this.#written += '%!(BADWIDTH)';
      else flags.width = Math.abs(width);
      if (width !== undefined && width < 0) {
        flags.minus = true;
        flags.zero = false;
      }
      return;
    }
    flags.width = this.#number();
    if (this.#afterNumber && flags.width !== undefined) this.#goodNumber = false;
  }

  #precision(flags: Flags): void {
    this.#at++;
    if (this.#afterNumber) this.#goodNumber = false;
    this.#argumentNumber();
    if (this.#char() !== '*') {
      flags.precision = this.#number() ?? 0;
      return;
    }
    const precision = this.#argumentAsNumber();
    if (precision !== undefined && precision >= 0) flags.precision = precision;
    else this.#written += '%!(BADPREC)';
  }

  /** `*`: the next argument, where it is an integer. */
  #argumentAsNumber(): number | undefined {
    this.#at++;
    this.#afterNumber = false;
    if (this.#next >= this.#args.length) return undefined;
    const value = this.#args[this.#next++];
    const number = value instanceof GoInt ? Number(value.value) : undefined;
    return number === undefined || Math.abs(number) > MAX_NUMBER ? undefined : number;
  }

  /** `[3]`: the number of the argument that comes next, from 1. */
  #argumentNumber(): void {
    this.#afterNumber = false;
    if (this.#char() !== '[') return;
    this.#reordered = true;
    const close = this.#text.indexOf(']', this.#at);
    if (close < 0) {
      this.#goodNumber = false;
      this.#at++;
      return;
    }
    const digits = this.#text.slice(this.#at + 1, close);
    this.#at = close + 1;
    const wellFormed = /^\d+$/.test(digits) && Number(digits) <= MAX_NUMBER * 10;
    this.#afterNumber = wellFormed;
    if (wellFormed && Number(digits) >= 1 && Number(digits) <= this.#args.length) this.#next = Number(digits) - 1;
    else this.#goodNumber = false;
  }

  #number(): number | undefined {
    const digits = this.#match(/\d+/y);
    if (digits === '') return undefined;
    this.#at += digits.length;
    if (Number(digits.slice(0, -1)) <= MAX_NUMBER) return Number(digits);
    // Go gives the rest of the text up for a number that is too long.
    this.#at = this.#text.length;
    return undefined;
  }

  #extra(): void {
    const rest = this.#args.slice(this.#next).map((arg) => {
      return arg === undefined || arg === null ? '<nil>' : `${typeName(arg)}=${format(arg, 'v', noFlags())}`;
    });
    this.#written += `%!(EXTRA ${rest.join(', ')})`;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0] ?? '';
  }

  #char(): string {
    return this.#text[this.#at] ?? '';
  }
}
