/** Input that is meant to take long. Nothing is timed: with more than linear work these tests would not end. */
import { describe, expect, it } from 'vitest';
import { type JsonObject, type JsonValue, MAX_EVENT_DEPTH, parseJson } from '../../src/json/parse.ts';
import { compilePolicy } from '../../src/normalize/compile.ts';
import type { Constraints, MappingPolicy } from '../../src/normalize/policy.ts';

function issues(policy: MappingPolicy, event: unknown): string[] {
  const text = typeof event === 'string' ? event : JSON.stringify(event);
  return compilePolicy(policy).normalize(parseJson(text) as JsonObject, 0).issues;
}

const constrained = (constraints: Constraints, event: unknown) => issues({ constraints }, event);
const numbered = <T>(count: number, item: (i: number) => T) => Array.from({ length: count }, (_, i) => item(i));
const named = <T>(count: number, item: (i: number) => T) =>
  Object.fromEntries(numbered(count, (i) => [`k${i}`, item(i)]));
const nested = (levels: number, key: string, inner: JsonValue): JsonValue =>
  levels === 0 ? inner : { [key]: nested(levels - 1, key, inner) };

describe('patterns', () => {
  const almost = `${'a'.repeat(100_000)}b`;
  const shown = `${'a'.repeat(64)}…`;

  it.each(['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(a*)*c', '^(.*a){9}$', '^a*a*a*a*a*c$', '^([a-z]+)*\\d'])(
    '%s',
    (pattern) => {
      expect(constrained({ pattern: { v: pattern } }, { v: almost })).toEqual([`pattern:v:${shown}`]);
      expect(constrained({ schema: { properties: { v: { pattern } } } }, { v: almost })).toEqual([
        `schema:v:pattern ${pattern}`,
      ]);
    },
  );

  it('that V8 matches, on texts on which it would go back', () => {
    for (const pattern of ['^[a-z]+-[0-9]+$', '^a*$', '^a+c?d?$', '^[^b]*$']) {
      expect(constrained({ pattern: { v: pattern } }, { v: almost })).toEqual([`pattern:v:${shown}`]);
    }
  });

  it('100 of them on a megabyte: what goes beyond the work for an event does not match', () => {
    const map = named(100, () => 'v');
    const pattern = named(100, () => 'x|a');
    const found = issues({ map, constraints: { pattern } }, { v: 'a'.repeat(1_000_000) });
    expect(found.slice(0, 1)).toEqual([expect.stringMatching(/^pattern:k\d+:a{64}…$/)]);
    expect(found).toHaveLength(32);
    expect(issues({ map, constraints: { pattern } }, { v: 'a'.repeat(1000) })).toEqual([]);
  });

  it('of a thousand instructions on a long text, in fields and in a schema', () => {
    const pattern = '[ab]*a[ab]{450}$';
    const v = 'ab'.repeat(500_000);
    expect(constrained({ pattern: { v: pattern } }, { v })).toEqual([`pattern:v:${'ab'.repeat(32)}…`]);
    expect(constrained({ schema: { properties: { v: { pattern } } } }, { v })).toEqual([
      'schema::takes too many steps to check',
    ]);
  });
});

describe('schemas', () => {
  const tooMany = ['schema::takes too many steps to check'];

  it('that double with each reference', () => {
    const $defs = Object.fromEntries(
      numbered(15, (i) => [
        `d${i}`,
        i === 14 ? { type: 'object' } : { allOf: numbered(8, () => ({ $ref: `#/$defs/d${i + 1}` })) },
      ]),
    );
    expect(constrained({ schema: { $ref: '#/$defs/d0', $defs } as unknown as JsonObject }, {})).toEqual(tooMany);
  });

  it('that double with each level of the event', () => {
    const schema = { properties: { x: { anyOf: [{ $ref: '#', required: ['never'] }, { $ref: '#' }] } } };
    expect(constrained({ schema: schema as unknown as JsonObject }, nested(58, 'x', {}))).toEqual(tooMany);
    expect(constrained({ schema: schema as unknown as JsonObject }, nested(5, 'x', {}))).toEqual([]);
  });

  it('that refer to themselves, on events of the greatest depth', () => {
    const schema = {
      additionalProperties: { $ref: '#' },
      properties: Object.fromEntries(numbered(70, (i) => [`p${i}`, { type: 'string' }])),
      type: 'object',
    };
    const deep = nested(MAX_EVENT_DEPTH - 1, 'x', {});
    expect(constrained({ schema }, deep)).toEqual([]);
    const [issue] = constrained({ schema }, nested(MAX_EVENT_DEPTH - 1, 'x', 5));
    expect(issue).toBe(`schema:${numbered(MAX_EVENT_DEPTH - 1, () => 'x').join('.')}:type object`);
  });

  it('at their greatest size', () => {
    const schema = {
      properties: Object.fromEntries(numbered(500, (i) => [`k${i}`, { type: 'string', maxLength: 1 }])),
    };
    const small = { ...schema, properties: Object.fromEntries(Object.entries(schema.properties).slice(0, 495)) };
    expect(() => compilePolicy({ constraints: { schema } })).toThrow('has more than 2000 keywords');
    expect(
      constrained(
        { schema: small },
        named(1000, () => 'x'),
      ),
    ).toEqual([]);
    expect(
      constrained(
        { schema: small },
        named(1000, () => 'xy'),
      ).slice(0, 2),
    ).toEqual(['schema:k0:maxLength 1', 'schema:k1:maxLength 1']);
  });

  it('with uniqueItems on 50,000 items', () => {
    const schema = { properties: { v: { uniqueItems: true } } };
    const items = numbered(50_000, (i) => ({ i }));
    expect(constrained({ schema }, { v: items })).toEqual([]);
    expect(constrained({ schema }, { v: [...items, { i: 7 }] })).toEqual(['schema:v:uniqueItems']);
  });

  it('with a reference for each of many items under a long name', () => {
    const schema = { additionalProperties: { items: { $ref: '#/$defs/n' } }, $defs: { n: { type: 'number' } } };
    const event = (last: unknown) => ({ ['k'.repeat(300_000)]: [...numbered(100_000, () => 1), last] });
    expect(constrained({ schema }, event(2))).toEqual([]);
    expect(constrained({ schema }, event('x'))).toEqual([`schema:${'k'.repeat(512)}…:type number`]);
  });

  it('that every item violates', () => {
    const schema = { properties: { v: { items: { type: 'string' } } } };
    expect(constrained({ schema }, { v: numbered(200_000, () => 1) })).toEqual(['schema::too many violations to list']);
  });

  it('that look for an item among 200,000', () => {
    const schema = { properties: { v: { contains: { type: 'string' } } } };
    expect(constrained({ schema }, { v: [...numbered(200_000, () => 1), 'x'] })).toEqual([]);
    expect(constrained({ schema }, { v: numbered(200_000, () => 1) })).toEqual(['schema:v:contains']);
  });
});

describe('events', () => {
  it('of 10,000 keys, under a policy at its limits', () => {
    const fields = named(1000, () => 0);
    const policy: MappingPolicy = {
      required: Object.keys(fields),
      coerce: named(1000, () => 'integer'),
      constraints: {
        bounds: named(1000, () => ({ min: 0 })),
        enum: named(1000, (i) => [i, 'x']),
        compare: numbered(1000, (i) => ({ left: `k${i}`, op: '<=', right: `k${(i + 1) % 1000}` })),
      },
    };
    expect(issues(policy, named(10_000, String))).toEqual(['compare:k999:999>0']);
  });

  it('with values among five thousand', () => {
    const values = numbered(5000, (i) => ({ i, text: 'x' }));
    const policy = compilePolicy({ constraints: { enum: { v: numbered(5000, (i) => `value ${i}`), o: values } } });
    for (let i = 0; i < 5000; i++) {
      expect(policy.normalize({ v: `value ${i}`, o: { text: 'x', i } }, 0).issues).toEqual([]);
    }
    expect(policy.normalize({ v: 'value', o: {} }, 0).issues).toEqual(['enum:o:[object]', 'enum:v:value']);
  });
});
