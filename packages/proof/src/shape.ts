import { isHex } from './bytes.ts';
import { ProofError, type ProofErrorCode } from './errors.ts';

export type JsonObject = Record<string, unknown>;

/** Strict readers for untrusted JSON; each failure is a `ProofError` of the code that the caller's format uses. */
export class Shape {
  readonly #code: ProofErrorCode;

  constructor(code: ProofErrorCode) {
    this.#code = code;
  }

  fail(detail: string): never {
    throw new ProofError(this.#code, detail);
  }

  object(value: unknown, at: string): JsonObject {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail(`${at} is not an object`);
    return value as JsonObject;
  }

  /** An object with all the required members, and none besides these and the optional ones. */
  members(value: unknown, at: string, required: readonly string[], optional: readonly string[] = []): JsonObject {
    const object = this.object(value, at);
    for (const name of required) if (!Object.hasOwn(object, name)) this.fail(`${at} lacks ${name}`);
    for (const name of Object.keys(object)) {
      if (!required.includes(name) && !optional.includes(name)) this.fail(`${at} has an unknown member`);
    }
    return object;
  }

  array(value: unknown, at: string, max = Number.MAX_SAFE_INTEGER): unknown[] {
    if (!Array.isArray(value)) this.fail(`${at} is not an array`);
    if (value.length > max) this.fail(`${at} has more than ${max} entries`);
    return value;
  }

  /** A well-formed string of at least `min` UTF-16 code units. */
  text(value: unknown, at: string, min = 1): string {
    if (typeof value !== 'string' || value.length < min || !value.isWellFormed()) this.fail(`${at} is not a text`);
    return value;
  }

  hex(value: unknown, at: string, length?: number): string {
    if (!isHex(value, length)) this.fail(`${at} is not ${length ?? 'whole'} bytes of lower-case hex`);
    return value;
  }

  integer(value: unknown, at: string, min = 0): number {
    if (!Number.isSafeInteger(value) || (value as number) < min) this.fail(`${at} is not an integer from ${min}`);
    return value as number;
  }

  oneOf<T extends string>(value: unknown, at: string, words: readonly T[]): T {
    if (!words.includes(value as T)) this.fail(`${at} is none of ${words.join(', ')}`);
    return value as T;
  }
}
