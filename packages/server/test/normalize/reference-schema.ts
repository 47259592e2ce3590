/** JSON Schema 2020-12, keyword by keyword as the specification has it: nothing is bounded, and nothing is fast. */
import { canonicalize } from '@tidemark/proof';

type Json = Record<string, unknown>;

/** Whether a schema holds for a value. */
export function holds(schema: unknown, value: unknown, root: Json): boolean {
  if (typeof schema === 'boolean') return schema;
  return Object.entries(schema as Json).every(([keyword, asked]) => {
    const check = CHECKS[keyword];
    if (check === undefined) throw new RangeError(`the reference does not know ${keyword}`);
    return check(asked as never, value, schema as Json, root);
  });
}

/** Each keyword has its own kind of value. */
type Check = (asked: never, value: unknown, schema: Json, root: Json) => boolean;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const typeOf = (value: unknown) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);
const same = (a: unknown, b: unknown) => canonicalize(a) === canonicalize(b);
const members = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : []);
const items = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const has = (value: unknown, name: string) => isObject(value) && Object.hasOwn(value, name);
const count = (asked: unknown[], value: unknown, root: Json) => asked.filter((one) => holds(one, value, root)).length;

const CHECKS: Record<string, Check> = {
  $defs: () => true,
  $ref: (asked: string, value, _schema, root) => {
    const path = asked.slice(2).split('/');
    return holds(
      path.reduce<unknown>((at, name) => (at as Json)[name], root),
      value,
      root,
    );
  },
  type: (asked: string | string[], value) => [asked].flat().includes(typeOf(value)),
  enum: (asked: unknown[], value) => asked.some((one) => same(one, value)),
  const: (asked, value) => same(asked, value),
  minimum: (asked: number, value) => typeof value !== 'number' || value >= asked,
  multipleOf: (asked: number, value) => typeof value !== 'number' || Number.isInteger(value / asked),
  maxLength: (asked: number, value) => typeof value !== 'string' || [...value].length <= asked,
  pattern: (asked: string, value) => typeof value !== 'string' || new RegExp(asked, 'u').test(value),
  uniqueItems: (asked: boolean, value) =>
    !asked || new Set(items(value).map(canonicalize)).size === items(value).length,
  maxItems: (asked: number, value) => items(value).length <= asked,
  required: (asked: string[], value) => !isObject(value) || asked.every((name) => has(value, name)),
  dependentRequired: (asked: Record<string, string[]>, value) =>
    Object.entries(asked).every(([name, others]) => !has(value, name) || others.every((other) => has(value, other))),
  minProperties: (asked: number, value) => !isObject(value) || members(value).length >= asked,
  minContains: () => true,
  contains: (asked, value, { minContains = 1 }, root) =>
    !Array.isArray(value) || value.filter((item) => holds(asked, item, root)).length >= (minContains as number),
  prefixItems: (asked: unknown[], value, _schema, root) =>
    items(value).every((item, index) => index >= asked.length || holds(asked[index], item, root)),
  items: (asked, value, { prefixItems = [] }, root) =>
    items(value).every((item, index) => index < (prefixItems as unknown[]).length || holds(asked, item, root)),
  properties: (asked: Json, value, _schema, root) =>
    members(value).every(([name, member]) => !has(asked, name) || holds(asked[name], member, root)),
  patternProperties: (asked: Json, value, _schema, root) =>
    members(value).every(([name, member]) =>
      Object.entries(asked).every(([pattern, one]) => !new RegExp(pattern, 'u').test(name) || holds(one, member, root)),
    ),
  additionalProperties: (asked, value, { properties, patternProperties = {} }, root) =>
    members(value).every(([name, member]) => {
      const known = Object.keys(patternProperties as Json).some((pattern) => new RegExp(pattern, 'u').test(name));
      return known || has(properties, name) || holds(asked, member, root);
    }),
  propertyNames: (asked, value, _schema, root) => members(value).every(([name]) => holds(asked, name, root)),
  dependentSchemas: (asked: Json, value, _schema, root) =>
    Object.entries(asked).every(([name, one]) => !has(value, name) || holds(one, value, root)),
  allOf: (asked: unknown[], value, _schema, root) => count(asked, value, root) === asked.length,
  anyOf: (asked: unknown[], value, _schema, root) => count(asked, value, root) > 0,
  oneOf: (asked: unknown[], value, _schema, root) => count(asked, value, root) === 1,
  not: (asked, value, _schema, root) => !holds(asked, value, root),
  if: (asked, value, { then: met = true, else: unmet = true }, root) =>
    holds(holds(asked, value, root) ? met : unmet, value, root),
  else: () => true,
  ...Object.fromEntries([['then', () => true]]),
};
