/** The keywords of JSON Schema 2020-12 that a policy can use, and what each may hold. */
import { PolicyError } from '../../policy/policy-error.ts';
import { list, number, object, oneOf, safeNumbers, text } from '../../policy/values.ts';

/*
 * Left out are `unevaluatedProperties` and `unevaluatedItems`, since the code that Ajv keeps their account with fails on
 * some events (`{ patternProperties: { '^n': {} }, anyOf: [{ properties: { a: true }, type: 'array' }, {}] }` on
 * `{ n: {} }`); and what leads from one document to another: inner `$id`, `$dynamicRef`.
 */

/** How a keyword holds subschemas, and whether they are about the same value as the schema or about a part of it. */
export interface Applicator {
  holds: 'one' | 'list' | 'named';
  about: 'same' | 'part';
}

export const APPLICATORS: ReadonlyMap<string, Applicator> = new Map<string, Applicator>([
  ...(['not', 'if', 'then', 'else'] as const).map((name) => [name, { holds: 'one', about: 'same' }] as const),
  ...(['allOf', 'anyOf', 'oneOf'] as const).map((name) => [name, { holds: 'list', about: 'same' }] as const),
  ['dependentSchemas', { holds: 'named', about: 'same' }],
  ['properties', { holds: 'named', about: 'part' }],
  ['patternProperties', { holds: 'named', about: 'part' }],
  ['prefixItems', { holds: 'list', about: 'part' }],
  ...['additionalProperties', 'propertyNames', 'items', 'contains'].map(
    (name) => [name, { holds: 'one', about: 'part' }] as const,
  ),
]);

/** Without effect on what is valid; `format` as 2020-12 has it by default. */
export const ANNOTATIONS: ReadonlySet<string> = new Set([
  '$comment',
  'title',
  'description',
  'default',
  'deprecated',
  'examples',
  'readOnly',
  'writeOnly',
  'format',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
]);

/** @returns how many names it lists @throws PolicyError */
type ValueCheck = (value: unknown, where: string) => number;

const TYPES = ['string', 'number', 'integer', 'boolean', 'null', 'object', 'array'];
const MAX_NAMES = 1000;
const MAX_VALUES = 10_000;

export const ASSERTIONS: ReadonlyMap<string, ValueCheck> = new Map<string, ValueCheck>([
  ['type', types],
  ['enum', values],
  ['const', constant],
  ...['maximum', 'minimum', 'exclusiveMaximum', 'exclusiveMinimum'].map((name) => [name, limit] as const),
  ['multipleOf', factor],
  ...['maxLength', 'minLength', 'maxItems', 'minItems', 'maxProperties', 'minProperties'].map(
    (name) => [name, count] as const,
  ),
  ['maxContains', count],
  ['minContains', count],
  ['uniqueItems', flag],
  ['pattern', pattern],
  ['required', names],
  ['dependentRequired', namesByName],
]);

function types(value: unknown, where: string): number {
  const all = Array.isArray(value) ? value : [value];
  for (const type of all) oneOf(type, TYPES, where);
  if (all.length === 0 || new Set(all).size < all.length) {
    throw new PolicyError('invalid-value', where, 'is empty, or names a type twice', 'name each type once');
  }
  return 0;
}

function values(value: unknown, where: string): number {
  const all = list(value, where, MAX_VALUES);
  if (all.length === 0) throw new PolicyError('invalid-value', where, 'is empty', 'no value could pass; give some');
  safeNumbers(all, where);
  return 0;
}

function constant(value: unknown, where: string): number {
  safeNumbers(value, where);
  return 0;
}

function limit(value: unknown, where: string): number {
  number(value, where);
  return 0;
}

function factor(value: unknown, where: string): number {
  if (number(value, where) <= 0)
    throw new PolicyError('invalid-value', where, 'is not above 0', 'give a number above 0');
  return 0;
}

function count(value: unknown, where: string): number {
  if (Number.isSafeInteger(number(value, where)) && (value as number) >= 0) return 0;
  throw new PolicyError('invalid-value', where, 'is not a count', 'give a whole number from 0 on');
}

function flag(value: unknown, where: string): number {
  if (typeof value === 'boolean') return 0;
  throw new PolicyError('wrong-type', where, 'is neither true nor false', 'give one of these');
}

/** Is compiled where all patterns are counted. */
function pattern(value: unknown, where: string): number {
  text(value, where);
  return 0;
}

function names(value: unknown, where: string): number {
  const all = list(value, where, MAX_NAMES).map((name) => text(name, where));
  if (new Set(all).size === all.length) return all.length;
  throw new PolicyError('invalid-value', where, 'names something twice', 'name each once');
}

function namesByName(value: unknown, where: string): number {
  const lists = Object.entries(object(value, where));
  // Ajv passes it by without a word.
  if (lists.some(([name]) => name === '__proto__')) {
    throw new PolicyError('invalid-value', where, 'has __proto__, which cannot be checked', 'leave it out');
  }
  return lists.reduce((total, [name, item]) => total + 1 + names(item, `${where}.${name}`), 0);
}
