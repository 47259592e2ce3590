import { describe, expect, it } from 'vitest';
import { type MappingPolicy, parsePolicy } from '../../src/normalize/policy.ts';
import { PolicyError } from '../../src/policy/policy-error.ts';

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

const compared = (op: string, constant: unknown) => ({
  constraints: { compare: [{ left: 'a', op, right: { const: constant } }] },
});

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
    [
      'units',
      {
        coerce: {
          a: { kind: 'timestamp', unit: 'us' },
          b: { kind: 'number', factor: -0.5, offset: 32 },
          c: { kind: 'integer', factor: 1000 },
        },
      },
    ],
    [
      'every constraint',
      {
        constraints: {
          bounds: { a: { min: 0 } },
          enum: { a: [1, 'x', null, { b: [true] }], 'a.b': [2] },
          pattern: { c: '^x' },
          compare: [
            { left: 'a', op: '<', right: 'b' },
            { left: 'a', op: '!=', right: { const: false } },
          ],
          schema: { type: 'object' },
          monotonicFields: ['a'],
          monotonicKey: ['b', 'c'],
        },
      },
    ],
    ['what is hidden', { redact: ['a.b', 'a.c', 'ts'], hash: ['d', 'id'] }],
    ['an id that is hashed', { hash: ['a.b', 'c'], idFrom: ['a.b'], timeField: 'd' }],
    ['an id that is not needed taken out', { redact: ['id'], hash: ['ts'], idFrom: ['serial'], timeField: 'at' }],
    [
      'what is hidden of persons',
      { redact: ['a'], pii: { redact: ['b.c'], hash: ['id', 'b.d'], mask: ['text', 'b.0'] } },
    ],
    ['an id that is hashed where it is a person’s', { pii: { hash: ['a.b'] }, idFrom: ['a.b'], timeField: 'd' }],
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

    [{ redact: 'a' }, 'wrong-type', 'redact'],
    [{ hash: ['a', null] }, 'wrong-type', 'hash[1]'],
    [{ pii: ['text'] }, 'wrong-type', 'pii'],
    [{ pii: true }, 'wrong-type', 'pii'],
    [{ pii: { mask: 'text' } }, 'wrong-type', 'pii.mask'],
    [{ pii: { redact: ['a', 1] } }, 'wrong-type', 'pii.redact[1]'],
    [{ coerce: { a: 5 } }, 'wrong-type', 'coerce.a'],
    [{ coerce: { a: { kind: 'number' } } }, 'wrong-type', 'coerce.a.factor'],
    [{ coerce: { a: { kind: 'number', factor: '2' } } }, 'wrong-type', 'coerce.a.factor'],
    [{ coerce: { a: { kind: 'integer', factor: 1, offset: null } } }, 'wrong-type', 'coerce.a.offset'],
    [{ constraints: { enum: { a: 'x' } } }, 'wrong-type', 'constraints.enum.a'],
    [{ constraints: { pattern: { a: 5 } } }, 'wrong-type', 'constraints.pattern.a'],
    [{ constraints: { compare: {} } }, 'wrong-type', 'constraints.compare'],
    [{ constraints: { compare: ['a < b'] } }, 'wrong-type', 'constraints.compare[0]'],
    [{ constraints: { compare: [{ op: '<', right: 'b' }] } }, 'wrong-type', 'constraints.compare[0].left'],
    [{ constraints: { compare: [{ left: 'a', op: '<', right: 5 }] } }, 'wrong-type', 'constraints.compare[0].right'],
    [compared('==', null), 'wrong-type', 'constraints.compare[0].right.const'],
    [compared('==', undefined), 'invalid-value', ''],
    [{ constraints: { monotonicFields: 'a' } }, 'wrong-type', 'constraints.monotonicFields'],
    [{ constraints: { monotonicFields: [1] } }, 'wrong-type', 'constraints.monotonicFields'],

    [{ coerce: { a: { kind: 'boolean', factor: 1 } } }, 'invalid-value', 'coerce.a.kind'],
    [{ coerce: { a: { kind: 'timestamp', unit: 'min' } } }, 'invalid-value', 'coerce.a.unit'],
    [{ coerce: { a: { kind: 'timestamp' } } }, 'invalid-value', 'coerce.a.unit'],
    [{ coerce: { a: { kind: 'number', factor: 0 } } }, 'invalid-value', 'coerce.a.factor'],
    [{ constraints: { enum: { a: [] } } }, 'invalid-value', 'constraints.enum.a'],
    [{ constraints: { enum: { a: [1, 2 ** 53] } } }, 'invalid-value', 'constraints.enum.a'],
    [{ constraints: { pattern: { a: '(' } } }, 'invalid-value', 'constraints.pattern.a'],
    [{ constraints: { pattern: { a: '(?=x)' } } }, 'invalid-value', 'constraints.pattern.a'],
    [{ constraints: { pattern: { a: '(a)\\1' } } }, 'invalid-value', 'constraints.pattern.a'],
    [{ constraints: { pattern: { a: 'a{1001}' } } }, 'invalid-value', 'constraints.pattern.a'],
    [compared('=', 1), 'invalid-value', 'constraints.compare[0].op'],
    [compared('<', 2 ** 53), 'invalid-value', 'constraints.compare[0].right.const'],
    [{ constraints: { monotonicFields: [] } }, 'invalid-value', 'constraints.monotonicFields'],
    [{ redact: [] }, 'invalid-value', 'redact'],
    [{ hash: [] }, 'invalid-value', 'hash'],
    [{ pii: {} }, 'invalid-value', 'pii'],
    [{ pii: { mask: [] } }, 'invalid-value', 'pii.mask'],
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
    [{ pii: { mask: ['a'], drop: ['b'] } }, 'unknown-member', 'pii.drop'],
    [JSON.parse('{"__proto__":{}}'), 'unknown-member', '__proto__'],
    [{ map: { a: { path: 'x', defualt: 1 } } }, 'unknown-member', 'map.a.defualt'],
    [{ map: { a: { const: 1, path: 'x' } } }, 'unknown-member', 'map.a.path'],
    [{ constraints: { bound: {} } }, 'unknown-member', 'constraints.bound'],
    [{ constraints: { bounds: { a: { minimum: 1 } } } }, 'unknown-member', 'constraints.bounds.a.minimum'],

    [{ constraints: { monotonic: ['a'] } }, 'unknown-member', 'constraints.monotonic'],
    [{ coerce: { a: { kind: 'timestamp', unit: 's', factor: 1 } } }, 'unknown-member', 'coerce.a.factor'],
    [{ coerce: { a: { kind: 'number', factor: 1, unit: 's' } } }, 'unknown-member', 'coerce.a.unit'],
    [
      { constraints: { compare: [{ left: 'a', op: '<', right: 'b', or: 1 }] } },
      'unknown-member',
      'constraints.compare[0].or',
    ],

    [{ map: { a: '' } }, 'invalid-path', 'map.a'],
    [{ map: { 'a..b': 'x' } }, 'invalid-path', 'map'],
    [{ map: { a: { path: 'x\\y' } } }, 'invalid-path', 'map.a.path'],
    [{ required: ['a.'] }, 'invalid-path', 'required'],
    [{ coerce: { '': 'string' } }, 'invalid-path', 'coerce'],
    [{ constraints: { bounds: { '.': { min: 0 } } } }, 'invalid-path', 'constraints.bounds'],
    [{ timeField: 'a..b' }, 'invalid-path', 'timeField'],
    [{ idFrom: ['x'.repeat(513)] }, 'invalid-path', 'idFrom[0]'],
    [{ redact: ['a', ''] }, 'invalid-path', 'redact[1]'],
    [{ pii: { hash: ['a..b'] } }, 'invalid-path', 'pii.hash[0]'],
    [{ constraints: { enum: { 'a..b': [1] } } }, 'invalid-path', 'constraints.enum'],
    [{ constraints: { compare: [{ left: '', op: '<', right: 'b' }] } }, 'invalid-path', 'constraints.compare[0].left'],

    [{ map: { a: 'x' }, required: ['b'] }, 'unknown-field', 'required'],
    [{ map: { a: 'x' }, coerce: { x: 'string' } }, 'unknown-field', 'coerce'],
    [{ map: { a: 'x' }, constraints: { bounds: { 'a.b': { min: 0 } } } }, 'unknown-field', 'constraints.bounds'],

    [{ map: { a: 'x' }, constraints: { enum: { x: [1] } } }, 'unknown-field', 'constraints.enum'],
    [{ map: { a: 'x' }, constraints: { pattern: { x: 'y' } } }, 'unknown-field', 'constraints.pattern'],
    [{ map: { a: 'x' }, constraints: { monotonicFields: ['x'] } }, 'unknown-field', 'constraints.monotonicFields'],
    [
      { map: { a: 'x' }, constraints: { monotonicFields: ['a'], monotonicKey: ['x'] } },
      'unknown-field',
      'constraints.monotonicKey',
    ],
    [
      { map: { a: 'x' }, constraints: { compare: [{ left: 'a', op: '<', right: 'x' }] } },
      'unknown-field',
      'constraints.compare[0].right',
    ],

    [{ constraints: { monotonicKey: ['a'] } }, 'conflict', 'constraints.monotonicKey'],
    [compared('<', true), 'conflict', 'constraints.compare[0].right.const'],
    [{ redact: ['a', 'a.b'] }, 'conflict', 'redact'],
    [{ redact: ['a'], hash: ['a'] }, 'conflict', 'hash'],
    [{ redact: ['a.b'], hash: ['a'] }, 'conflict', 'hash'],
    [{ redact: ['x', 'a.b'], idFrom: ['a.b'] }, 'conflict', 'redact[1]'],
    [{ redact: ['a'], idFrom: ['a.b'] }, 'conflict', 'redact[0]'],
    [{ redact: ['a.b'], timeField: 'a.b' }, 'conflict', 'redact[0]'],
    [{ redact: ['id'] }, 'conflict', 'redact[0]'],
    [{ redact: ['eventId'], timeField: 'at' }, 'conflict', 'redact[0]'],
    [{ hash: ['a'], timeField: 'a' }, 'conflict', 'hash[0]'],
    [{ hash: ['ts'] }, 'conflict', 'hash[0]'],
    [{ hash: ['a'], idFrom: ['a.b'] }, 'conflict', 'hash[0]'],
    [{ hash: ['a.b'], idFrom: ['a'] }, 'conflict', 'hash[0]'],
    [{ pii: { mask: ['a', 'a.0'] } }, 'conflict', 'pii.mask'],
    [{ pii: { redact: ['a.b'], mask: ['a'] } }, 'conflict', 'pii.mask'],
    [{ pii: { redact: ['a'], hash: ['a'] } }, 'conflict', 'pii.hash'],
    [{ redact: ['a'], pii: { redact: ['a.b'] } }, 'conflict', 'pii.redact'],
    [{ hash: ['a.b'], pii: { mask: ['a'] } }, 'conflict', 'pii.mask'],
    [{ pii: { mask: ['x', 'id'] } }, 'conflict', 'pii.mask[1]'],
    [{ pii: { redact: ['eventId'] } }, 'conflict', 'pii.redact[0]'],
    [{ pii: { mask: ['a'] }, idFrom: ['a.b'] }, 'conflict', 'pii.mask[0]'],
    [{ pii: { mask: ['a'] }, timeField: 'a' }, 'conflict', 'pii.mask[0]'],
    [{ pii: { hash: ['time'] } }, 'conflict', 'pii.hash[0]'],
    [{ pii: { hash: ['a.b'] }, idFrom: ['a'] }, 'conflict', 'pii.hash[0]'],
    [{ coerce: {}, coercion: {} }, 'conflict', 'coercion'],
    [{ map: { a: 'x', 'a.b': 'y' } }, 'conflict', 'map'],
    [{ coerce: { 'a.b.c': 'string', 'a.b': 'string' } }, 'conflict', 'coerce'],
    [{ constraints: { bounds: { a: { min: 2, max: 1 } } } }, 'conflict', 'constraints.bounds.a'],

    [{ map: many(1001, 'x') }, 'too-large', 'map'],
    [{ coerce: many(1001, 'string') }, 'too-large', 'coerce'],
    [{ required: Array(1001).fill('a') }, 'too-large', 'required'],
    [{ constraints: { bounds: many(1001, { min: 0 }) } }, 'too-large', 'constraints.bounds'],
    [{ idFrom: Array(17).fill('a') }, 'too-large', 'idFrom'],
    [{ constraints: { enum: { a: Array(10_001).fill(1) } } }, 'too-large', 'constraints.enum.a'],
    [{ constraints: { pattern: many(101, 'x') } }, 'too-large', 'constraints.pattern'],
    [{ constraints: { pattern: { a: 'x'.repeat(1025) } } }, 'too-large', 'constraints.pattern.a'],
    [{ constraints: { pattern: { a: '(abc){500}' } } }, 'too-large', 'constraints.pattern.a'],
    [{ constraints: { compare: Array(1001).fill({}) } }, 'too-large', 'constraints.compare'],
    [{ redact: Array(1001).fill('a') }, 'too-large', 'redact'],
    [{ pii: { mask: Array(1001).fill('a') } }, 'too-large', 'pii.mask'],
    [{ map: { a: { const: 'x'.repeat(262_144) } } }, 'too-large', ''],
  ])('%j', (policy, code, path) => {
    expect(refusal(policy)).toEqual({ code, path });
  });

  it('a pattern with what RE2 has against it, and the way out', () => {
    expect(() => parsePolicy({ constraints: { pattern: { a: 'x(?!y)' } } })).toThrow(
      "constraints.pattern.a: error parsing regexp: invalid or unsupported Perl syntax: `(?!`; write it in RE2's " +
        'syntax, which has no look-around and no back references',
    );
  });
});
