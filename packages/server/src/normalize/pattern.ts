/** Regular expressions of a policy: RE2's syntax, in time that is linear in the text whatever the expression. */
import { RE2JS } from 're2js';
import { PolicyError } from '../policy/policy-error.ts';
import { linearRegExp } from './linear-regexp.ts';

const MAX_PATTERN_LENGTH = 1024;
/** Of the compiled program, in instructions: what a step over one character costs at worst. */
const MAX_PATTERN_SIZE = 1000;
/**
 * For all patterns on one event: characters of text times instructions of the pattern, which is what RE2 costs at worst,
 * at some 30 ns each. Text beyond it does not match.
 */
export const MAX_PATTERN_WORK = 10_000_000;
/** Longer texts go to RE2JS alone, for V8 keeps a place on a stack for each character it might go back to. */
const MAX_V8_TEXT = 65_536;

/** Looks for a match anywhere in a text, as JSON Schema does; `^` and `$` are the ends of the text. */
export class Pattern {
  readonly source: string;
  /** Instructions of the compiled program, which every character may have to pass. */
  readonly size: number;
  readonly #re2: RE2JS;
  readonly #v8: RegExp | undefined;

  constructor(source: string, re2: RE2JS) {
    this.source = source;
    this.size = re2.programSize();
    this.#re2 = re2;
    this.#v8 = linearRegExp(source);
  }

  /** What looking at a text counts towards `MAX_PATTERN_WORK`. */
  work(text: string): number {
    return text.length * this.size;
  }

  test(text: string): boolean {
    return this.#v8 !== undefined && text.length <= MAX_V8_TEXT ? this.#v8.test(text) : this.#re2.test(text);
  }
}

/**
 * @param where in the policy
 * @throws PolicyError
 */
export function compilePattern(source: string, where: string): Pattern {
  if (source.length > MAX_PATTERN_LENGTH) {
    throw new PolicyError('too-large', where, `longer than ${MAX_PATTERN_LENGTH} characters`, 'simplify it');
  }
  const pattern = new Pattern(source, compileRe2(source, where));
  if (pattern.size > MAX_PATTERN_SIZE) {
    const problem = `compiles to ${pattern.size} instructions, more than ${MAX_PATTERN_SIZE}`;
    throw new PolicyError('too-large', where, problem, 'repeat less often');
  }
  return pattern;
}

function compileRe2(source: string, where: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    const problem = (cause instanceof Error ? cause.message : String(cause)).slice(0, 128);
    const remedy = "write it in RE2's syntax, which has no look-around and no back references";
    throw new PolicyError('invalid-value', where, problem, remedy, { cause });
  }
}
