import { canonicalize } from '@tidemark/proof';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isContainer, type JsonObject, type JsonValue, parseJson, UnsafeNumber } from '../../src/json/parse.ts';
import { formatPath } from '../../src/json/path.ts';
import { compilePolicy, type NormalizeResult } from '../../src/normalize/compile.ts';
import type {
  Bounds,
  Coercion,
  Comparison,
  Constraints,
  MappingPolicy,
  MapSource,
} from '../../src/normalize/policy.ts';

const key = fc.constantFrom(
  'a',
  'b',
  'c',
  'ts',
  '0',
  '1',
  '10',
  '9',
  'x.y',
  '__proto__',
  'constructor',
  'é',
  '😀',
  '\ufb33',
);
const leaf = fc.oneof(
  fc.constantFrom('null', 'true', '-0', '1e400', '12345678901234567890', '9007199254740993', '1e20', '""', '"false"'),
  fc.constantFrom(
    '"2026-03-01T12:00:00Z"',
    '"2026-02-30T12:00:00Z"',
    '1772366400',
    '"21.5"',
    '"\\ud83d\\ude00"',
    '"\\u0001"',
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.string().map((value) => JSON.stringify(value)),
);
const { object: eventText } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, leaf, tie('array'), tie('object')),
  array: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join()}]`),
  object: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 6 })
    .map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`),
}));

const path = fc.array(key, { minLength: 1, maxLength: 3 }).map(formatPath);
const kind = fc.constantFrom<Coercion>('string', 'number', 'integer', 'boolean', 'iso8601', 'timestamp');
const unit = fc.constantFrom<Coercion>(
  { kind: 'timestamp', unit: 'ms' },
  { kind: 'number', factor: 1.8, offset: 32 },
  { kind: 'integer', factor: -2 },
);
const bounds = fc.constantFrom<Bounds>({ min: 0 }, { max: 10 }, { min: -1, max: 1 });
const values = fc.array(fc.constantFrom<JsonValue>(0, 1, 'd', '', null, true, ['d'], { a: 0 }), {
  minLength: 1,
  maxLength: 3,
});
const pattern = fc.constantFrom('^[a-z]+$', 'd', '^.$', '(a|b)+$', '[0-9]{2}');
const schema = fc.constantFrom<JsonObject>(
  { type: 'object' },
  { required: ['a', 'c'], maxProperties: 3 },
  { additionalProperties: { type: ['number', 'string', 'null'] } },
  { properties: { a: { $ref: '#' }, b: { uniqueItems: true, items: { minimum: 3 } } }, type: ['object', 'string'] },
  { propertyNames: { pattern: '^[a-z_]*$' } },
);
const source = fc.oneof<fc.Arbitrary<MapSource>[]>(
  path,
  fc.record({ path, default: fc.constantFrom<null | string | number>(null, 'd', 7) }),
  fc.constantFrom<MapSource>({ const: { b: [1], a: null } }, { const: 'k' }),
);
// Built as text and parsed, so that a field named __proto__ is a field.
const members = <T>(name: fc.Arbitrary<string>, value: fc.Arbitrary<T>) =>
  fc
    .uniqueArray(fc.tuple(name, value), { maxLength: 5, selector: ([field]) => field.split('.')[0] })
    .map((list) => `{${list.map(([field, item]) => `${JSON.stringify(field)}:${JSON.stringify(item)}`).join()}}`)
    .map((text) => JSON.parse(text) as Record<string, T>);

const comparison = (name: fc.Arbitrary<string>): fc.Arbitrary<Comparison> =>
  fc.record({
    left: name,
    op: fc.constantFrom('<', '<=', '>', '>=', '==', '!='),
    right: fc.oneof(name, fc.constantFrom({ const: 0 }, { const: 'd' })),
  });
const fieldConstraints = (name: fc.Arbitrary<string>): fc.Arbitrary<Constraints> =>
  fc.record(
    {
      bounds: members(name, bounds),
      enum: members(name, values),
      pattern: members(name, pattern),
      compare: fc.array(comparison(name), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
/** One in ten with a schema, which takes some milliseconds to compile. */
const constraints = (name: fc.Arbitrary<string>): fc.Arbitrary<Constraints> =>
  fc.oneof(
    { weight: 9, arbitrary: fieldConstraints(name) },
    { weight: 1, arbitrary: fc.tuple(fieldConstraints(name), schema).map(([rest, one]) => ({ ...rest, schema: one })) },
  );

const wholePolicy: fc.Arbitrary<MappingPolicy> = fc.record({
  required: fc.array(path, { maxLength: 2 }),
  coerce: members(path, kind),
  constraints: constraints(path),
});
/** One that many events pass. */
const lenientPolicy: fc.Arbitrary<MappingPolicy> = fc.record({
  required: fc.array(path, { maxLength: 2 }),
  coerce: members(path, kind),
  constraints: fc.record({ bounds: members(path, bounds) }),
});
const mapPolicy: fc.Arbitrary<MappingPolicy> = members(path, source).chain((map) => {
  const fields = Object.keys(map);
  if (fields.length === 0) return fc.constant({ map });
  const field = fc.constantFrom(...fields);
  return fc.record({
    map: fc.constant(map),
    required: fc.subarray(fields),
    coerce: members(field, fc.oneof(kind, unit)),
    constraints: constraints(field),
  });
});

const run = (policy: MappingPolicy, text: string): NormalizeResult =>
  compilePolicy(policy).normalize(parseJson(text) as JsonObject, 1_772_370_000_000);

describe('any policy on any event', () => {
  it.each([
    ['without a map', wholePolicy],
    ['with a map', mapPolicy],
  ])('%s gives a canonical payload, a canonical time and bounded issues', (_title, policies) => {
    fc.assert(
      fc.property(policies, eventText, (policy, text) => {
        const { payload, eventTime, issues, quarantined } = run(policy, text);
        expect(payload).toBe(canonicalize(JSON.parse(payload)));
        expect(new Date(eventTime).toISOString()).toBe(eventTime);
        expect(issues.length).toBeLessThanOrEqual(32);
        expect(canonicalize(issues).length).toBeLessThan(32 * 1200);
        expect(quarantined).toBe(issues.length > 0);
      }),
      { numRuns: 200 },
    );
  });

  it('gives the same result again, from the same closures and from new ones', () => {
    fc.assert(
      fc.property(
        fc.oneof(wholePolicy, mapPolicy),
        fc.array(eventText, { minLength: 2, maxLength: 4 }),
        (policy, texts) => {
          const once = texts.map((text) => run(policy, text));
          const compiled = compilePolicy(policy);
          const again = texts.map((text) => compiled.normalize(parseJson(text) as JsonObject, 1_772_370_000_000));
          expect(again).toEqual(once);
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** The same text, but for the order of members. */
function reversed(value: JsonValue): string {
  if (value instanceof UnsafeNumber) return value.source;
  // Not as an integer, which would be unsafe.
  if (typeof value === 'number') return value.toExponential();
  if (!isContainer(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(reversed).join()}]`;
  const all = Object.entries(value).reverse();
  return `{${all.map(([name, member]) => `${JSON.stringify(name)}:${reversed(member)}`).join()}}`;
}

it('the order of members changes nothing, neither in the policy nor in the event', () => {
  fc.assert(
    fc.property(fc.oneof(wholePolicy, mapPolicy), eventText, (policy, text) => {
      const turned = JSON.parse(reversed(policy as unknown as JsonObject)) as MappingPolicy;
      expect(compilePolicy(turned).hash).toBe(compilePolicy(policy).hash);
      expect(run(turned, reversed(parseJson(text)))).toEqual(run(policy, text));
    }),
    { numRuns: 200 },
  );
});

describe('without a map', () => {
  it('no rules: the canonical text of the raw event', () => {
    fc.assert(
      fc.property(eventText, (text) => {
        const { payload, issues } = run({}, text);
        fc.pre(!issues.some((issue) => issue.startsWith('number-unsafe')));
        expect(payload).toBe(canonicalize(JSON.parse(text)));
      }),
      { numRuns: 200 },
    );
  });

  it('accepted payloads are fixed points', () => {
    fc.assert(
      fc.property(lenientPolicy, eventText, (policy, text) => {
        const first = run(policy, text);
        fc.pre(first.issues.length === 0 && !first.payload.includes('e+') && !/\d{16}/.test(first.payload));
        expect(run(policy, first.payload)).toEqual(first);
      }),
      { numRuns: 200 },
    );
  });
});
