/** Which values fit which parameters. */
import { Refusal } from './errors.ts';
import type { Param } from './functions.ts';
import type { NumberLiteral } from './number.ts';
import { GoTime } from './time.ts';
import { GoInt, isList, typeName, type Value } from './values.ts';

/** A value that was computed, for a parameter. @throws Refusal `execution` */
export function fitted(value: Value, param: Param): Value {
  if (param === 'value') return value;
  if (param === 'any') return value ?? null;
  if (value === undefined && param === '[]interface {}') return [];
  if (value === undefined) throw new Refusal('execution', `invalid value; expected ${param}`);
  if (isOf(value, param)) return value;
  throw new Refusal('execution', `wrong type for value; expected ${param}; got ${typeName(value)}`);
}

/** `nil`, for a parameter that can be that. */
export function fittedNil(param: Param): Value {
  if (param === 'value' || param === 'any' || param === '[]interface {}') return fitted(undefined, param);
  throw new Refusal('execution', `cannot assign nil to ${param}`);
}

/** A literal has no type of its own before it meets the parameter. */
export function fittedNumber(literal: NumberLiteral, text: string, param: Param): Value {
  if (param === 'any' || param === 'value') return idealNumber(literal, text);
  if (param === 'int' || param === 'time.Duration') {
    if (literal.int !== undefined) return new GoInt('int', literal.int);
    throw new Refusal('execution', `expected integer; found ${text}`);
  }
  throw new Refusal('execution', `expected ${param}; found ${text}`);
}

export function idealNumber({ ideal }: NumberLiteral, text: string): Value {
  if (ideal === undefined) throw new Refusal('execution', `${text} overflows int`);
  return ideal;
}

export function fittedLiteral(value: string | boolean, param: Param): Value {
  if (param === 'any' || param === 'value' || (param === 'string' && typeof value === 'string')) return value;
  throw new Refusal('execution', `expected ${param}; found ${typeof value === 'string' ? 'a string' : value}`);
}

/** No value that is computed is a `time.Duration`. */
function isOf(value: Value, param: Param): boolean {
  if (param === 'string') return typeof value === 'string';
  if (param === 'int') return value instanceof GoInt && value.type === 'int';
  if (param === 'time.Time') return value instanceof GoTime;
  return param === '[]interface {}' && isList(value);
}
