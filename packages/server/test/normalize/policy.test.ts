import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../src/normalize/compile.ts';
import { type MappingPolicy, parsePolicy } from '../../src/normalize/policy.ts';
import { PolicyError } from '../../src/normalize/policy-error.ts';

function refusal(policy: unknown): { code: string; path: string } {
  try {
    parsePolicy(policy);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    expect(error.message).toBe(`${error.path === '' ? 'the policy' : error.path}: ${middle(error)}; ${error.remedy}`);
    expect(error.message).not.toContain('\n');
    return { code: error.code, path: error.path };
  }
  return { code: 'accepted', path: '' };
}

/** What stands between the path and the remedy: never nothing. */
function middle({ message, path, remedy }: PolicyError): string {
  const problem = message.slice((path || 'the policy').length + 2, -remedy.length - 2);
  expect(problem.length).toBeGreaterThan(3);
  return problem;
}

const many = (count: number, value: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, value]));

describe('parsePolicy accepts', () => {
  it.each<[string, MappingPolicy]>([
    ['nothing', {}],
    ['the example of the seed', { required: ['id', 'ts'], coerce: { ts: 'iso8601->epoch' } }],
    ['the other spelling', { coercion: { a: 'string', b: 'number', c: 'integer', d: 'boolean', e: 'timestamp' } }],
    ['an empty map', { map: {}, required: ['anything'] }],
    [
      'every kind of source',
      { map: { a: 'x.0', b: { const: [1, null] }, c: { path: 'y' }, d: { path: 'z', default: null } } },
    ],
    ['nested output', { map: { 'geo.lat': 'c.1', 'geo.lon': 'c.0' }, required: ['geo.lat'] }],
    [
      'one-sided and equal bounds',
      { constraints: { bounds: { a: { min: 0 }, b: { max: 0 }, c: { min: 1, max: 1 } } } },
    ],
    ['the rest', { idFrom: ['a.b', 'c'], timeField: 'when', onIssue: 'certify' }],
    [
      'overlapping fields that do not change',
      { required: ['a', 'a.b'], constraints: { bounds: { 'a.b.c': { min: 0 } } } },
    ],
    ['1000 fields', { map: many(1000, 'x') as Record<string, string> }],
    ['hostile names', JSON.parse('{"map":{"__proto__":"constructor","toString":"__proto__.x"}}') as MappingPolicy],
  ])('%s', (_title, policy) => {
    expect(parsePolicy(policy)).toBe(policy);
  });
});

describe('parsePolicy refuses', () => {
  it.each<[unknown, string, string]>([
    [null, 'wrong-type', ''],
    [[], 'wrong-type', ''],
    ['{}', 'wrong-type', ''],
    [{ map: [] }, 'wrong-type', 'map'],
    [{ map: { a: 1 } }, 'wrong-type', 'map.a'],
    [{ map: { a: null } }, 'wrong-type', 'map.a'],
    [{ map: { a: { path: 1 } } }, 'wrong-type', 'map.a.path'],
    [{ map: { a: {} } }, 'wrong-type', 'map.a.path'],
    [{ required: 'id' }, 'wrong-type', 'required'],
    [{ required: [1] }, 'wrong-type', 'required'],
    [{ coerce: ['a'] }, 'wrong-type', 'coerce'],
    [{ constraints: [] }, 'wrong-type', 'constraints'],
    [{ constraints: { bounds: { a: 5 } } }, 'wrong-type', 'constraints.bounds.a'],
    [{ constraints: { bounds: { a: { min: '0' } } } }, 'wrong-type', 'constraints.bounds.a.min'],
    [{ constraints: { bounds: { a: { max: null } } } }, 'wrong-type', 'constraints.bounds.a.max'],
    [{ timeField: ['ts'] }, 'wrong-type', 'timeField'],
    [{ idFrom: 'id' }, 'wrong-type', 'idFrom'],
    [{ idFrom: ['a', 2] }, 'wrong-type', 'idFrom[1]'],

    [{ coerce: { a: 'float' } }, 'invalid-value', 'coerce.a'],
    [{ coercion: { a: 'constructor' } }, 'invalid-value', 'coercion.a'],
    [{ onIssue: 'ignore' }, 'invalid-value', 'onIssue'],
    [{ idFrom: [] }, 'invalid-value', 'idFrom'],
    [{ constraints: { bounds: { a: {} } } }, 'invalid-value', 'constraints.bounds.a'],
    [{ constraints: { bounds: { a: { max: Number.POSITIVE_INFINITY } } } }, 'invalid-value', ''],
    [{ map: { a: { const: undefined } } }, 'invalid-value', ''],
    [{ map: { a: { const: '\ud800' } } }, 'invalid-value', ''],
    [{ map: { a: { const: new Date(0) } } }, 'invalid-value', ''],
    [{ map: { a: { const: [{ n: 2 ** 53 }] } } }, 'invalid-value', 'map.a.const'],
    [{ map: { a: { path: 'x', default: -(2 ** 53) } } }, 'invalid-value', 'map.a.default'],

    [{ maps: {} }, 'unknown-member', 'maps'],
    [JSON.parse('{"__proto__":{}}'), 'unknown-member', '__proto__'],
    [{ map: { a: { path: 'x', defualt: 1 } } }, 'unknown-member', 'map.a.defualt'],
    [{ map: { a: { const: 1, path: 'x' } } }, 'unknown-member', 'map.a.path'],
    [{ constraints: { bound: {} } }, 'unknown-member', 'constraints.bound'],
    [{ constraints: { bounds: { a: { minimum: 1 } } } }, 'unknown-member', 'constraints.bounds.a.minimum'],

    [{ redact: ['a'] }, 'not-supported', 'redact'],
    [{ hash: ['a'] }, 'not-supported', 'hash'],
    [{ constraints: { enum: {} } }, 'not-supported', 'constraints.enum'],
    [{ constraints: { pattern: {} } }, 'not-supported', 'constraints.pattern'],
    [{ constraints: { monotonicFields: ['a'] } }, 'not-supported', 'constraints.monotonicFields'],
    [{ constraints: { monotonicKey: ['a'] } }, 'not-supported', 'constraints.monotonicKey'],
    [{ constraints: { schema: {} } }, 'not-supported', 'constraints.schema'],
    [{ constraints: { compare: [] } }, 'not-supported', 'constraints.compare'],

    [{ map: { a: '' } }, 'invalid-path', 'map.a'],
    [{ map: { 'a..b': 'x' } }, 'invalid-path', 'map'],
    [{ map: { a: { path: 'x\\y' } } }, 'invalid-path', 'map.a.path'],
    [{ required: ['a.'] }, 'invalid-path', 'required'],
    [{ coerce: { '': 'string' } }, 'invalid-path', 'coerce'],
    [{ constraints: { bounds: { '.': { min: 0 } } } }, 'invalid-path', 'constraints.bounds'],
    [{ timeField: 'a..b' }, 'invalid-path', 'timeField'],
    [{ idFrom: ['x'.repeat(513)] }, 'invalid-path', 'idFrom[0]'],

    [{ map: { a: 'x' }, required: ['b'] }, 'unknown-field', 'required'],
    [{ map: { a: 'x' }, coerce: { x: 'string' } }, 'unknown-field', 'coerce'],
    [{ map: { a: 'x' }, constraints: { bounds: { 'a.b': { min: 0 } } } }, 'unknown-field', 'constraints.bounds'],

    [{ coerce: {}, coercion: {} }, 'conflict', 'coercion'],
    [{ map: { a: 'x', 'a.b': 'y' } }, 'conflict', 'map'],
    [{ coerce: { 'a.b.c': 'string', 'a.b': 'string' } }, 'conflict', 'coerce'],
    [{ constraints: { bounds: { a: { min: 2, max: 1 } } } }, 'conflict', 'constraints.bounds.a'],

    [{ map: many(1001, 'x') }, 'too-large', 'map'],
    [{ coerce: many(1001, 'string') }, 'too-large', 'coerce'],
    [{ required: Array(1001).fill('a') }, 'too-large', 'required'],
    [{ constraints: { bounds: many(1001, { min: 0 }) } }, 'too-large', 'constraints.bounds'],
    [{ idFrom: Array(17).fill('a') }, 'too-large', 'idFrom'],
    [{ map: { a: { const: 'x'.repeat(262_144) } } }, 'too-large', ''],
  ])('%j', (policy, code, path) => {
    expect(refusal(policy)).toEqual({ code, path });
  });

  it('what it cannot apply, also when an older journal brings it', () => {
    const later = { constraints: { pattern: { a: '^x' } } } as MappingPolicy;
    expect(() => compilePolicy(later)).toThrow(expect.objectContaining({ code: 'not-supported' }));
  });
});
