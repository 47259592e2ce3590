import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/json/parse.ts';
import { compilePolicy } from '../../src/normalize/compile.ts';
import { holds } from './reference-schema.ts';

const issues = (schema: JsonObject, event: JsonObject): string[] =>
  compilePolicy({ constraints: { schema } }).normalize(event, 0).issues;

/** Entries, for Biome takes an object with a member named `then` for a promise. */
const conditional = ([condition, met, unmet]: unknown[]) =>
  Object.fromEntries([
    ['if', condition],
    ['then', met],
    ['else', unmet],
  ]);

const value = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false, 0, 1, 1.5, -3, '', 'a', 'ab', 'b1', '😀'),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'n_1', 'toString'), tie('value'), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
}));
const someNames = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'toString'), { maxLength: 2 });
const { schema: anySchema } = fc.letrec<{ schema: unknown; part: unknown; named: unknown; list: unknown }>((tie) => {
  const keyword = (name: string, held: fc.Arbitrary<unknown>) => held.map((item) => ({ [name]: item }));
  return {
    schema: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>(true, false, {}, { type: 'number' }, { type: ['array', 'null'] }, { $ref: '#/$defs/d' }),
      fc.array(tie('part'), { maxLength: 3 }).map((parts) => Object.assign({}, ...parts)),
    ),
    part: fc.oneof(
      keyword('type', fc.constantFrom('object', 'array', 'string')),
      keyword('enum', fc.array(value.value, { minLength: 1, maxLength: 3 })),
      keyword('const', value.value),
      keyword('minimum', fc.constantFrom(0, 1)),
      keyword('multipleOf', fc.constantFrom(0.5, 2)),
      keyword('maxLength', fc.constantFrom(0, 1)),
      keyword('pattern', fc.constantFrom('^a', 'b', '^.$', '[0-9]$')),
      keyword('uniqueItems', fc.boolean()),
      keyword('required', someNames),
      keyword('dependentRequired', fc.record({ a: someNames })),
      keyword('minProperties', fc.constantFrom(1, 2)),
      keyword('maxItems', fc.constantFrom(1, 2)),
      tie('schema').map((contains) => ({ contains, minContains: 2 })),
      keyword('prefixItems', tie('list')),
      ...['items', 'contains', 'additionalProperties', 'propertyNames', 'not'].map((name) =>
        keyword(name, tie('schema')),
      ),
      keyword('properties', tie('named')),
      keyword('patternProperties', fc.record({ '^n_': tie('schema') })),
      keyword('dependentSchemas', tie('named')),
      ...['allOf', 'anyOf', 'oneOf'].map((name) => keyword(name, tie('list'))),
      fc.tuple(tie('schema'), tie('schema'), tie('schema')).map(conditional),
    ),
    named: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'toString'), tie('schema'), { maxKeys: 3 }),
    list: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }),
  };
});

describe('any schema', () => {
  const withReference = (schema: unknown, referred: unknown) =>
    ({ allOf: [schema], $defs: { d: referred } }) as unknown as JsonObject;

  it('holds and does not hold for the same values as by the book', () => {
    let held = 0;
    let failed = 0;
    fc.assert(
      fc.property(
        anySchema,
        value.value,
        fc.array(value.object, { minLength: 4, maxLength: 8 }),
        (schema, referred, events) => {
          const list = { type: 'array', items: { type: ['number', 'string'] } };
          const whole = withReference(schema, { anyOf: [{ enum: [referred] }, list] });
          const ours = compilePolicy({ constraints: { schema: whole } });
          for (const event of events) {
            const valid = holds(whole, event, whole);
            expect(ours.normalize(event as JsonObject, 0).issues.length === 0).toBe(valid);
            if (valid) held++;
            else failed++;
          }
        },
      ),
      { numRuns: 250 },
    );
    expect(held).toBeGreaterThan(50);
    expect(failed).toBeGreaterThan(50);
  });

  it('gives the same issues whatever the order of keywords and members', () => {
    const reversed = (item: unknown): unknown => {
      if (Array.isArray(item)) return item.map(reversed);
      if (typeof item !== 'object' || item === null) return item;
      return Object.fromEntries(
        Object.entries(item)
          .map(([key, member]) => [key, reversed(member)])
          .reverse(),
      );
    };
    fc.assert(
      fc.property(anySchema, value.object, (schema, event) => {
        const whole = withReference(schema, { type: 'number' });
        const once = issues(whole, event as JsonObject);
        expect(issues(reversed(whole) as JsonObject, reversed(event) as JsonObject)).toEqual(once);
        expect(once.length).toBeLessThanOrEqual(32);
      }),
      { numRuns: 150 },
    );
  });
});
