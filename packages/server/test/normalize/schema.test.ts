import { describe, expect, it } from 'vitest';
import { type JsonObject, parseJson } from '../../src/json/parse.ts';
import { compilePolicy } from '../../src/normalize/compile.ts';
import { parsePolicy } from '../../src/normalize/policy.ts';
import { PolicyError } from '../../src/policy/policy-error.ts';

function issues(schema: unknown, event: string): string[] {
  const policy = { constraints: { schema: schema as JsonObject } };
  return compilePolicy(policy).normalize(parseJson(event) as JsonObject, 0).issues;
}

/** Entries, for Biome takes an object with a member named `then` for a promise. */
const conditional = ([condition, met, unmet]: unknown[]) =>
  Object.fromEntries([
    ['if', condition],
    ['then', met],
    ['else', unmet],
  ]);

const tree = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://example.org/tree',
  $ref: '#/$defs/node',
  $defs: { node: { type: 'object', required: ['v'], properties: { next: { $ref: '#node' } }, $anchor: 'node' } },
};

describe('a schema holds the payload to', () => {
  it.each<[string, unknown, string, string[]]>([
    ['nothing', {}, '{"a":1}', []],
    ['a type', { properties: { a: { type: 'number' } } }, '{"a":"1"}', ['schema:a:type number']],
    ['types', { properties: { a: { type: ['string', 'null'] } } }, '{"a":1}', ['schema:a:type string,null']],
    ['members', { required: ['a', 'b'] }, '{"b":1}', ['schema::required a']],
    ['own members', { required: ['toString'] }, '{}', ['schema::required toString']],
    [
      'no others',
      { properties: { a: true }, additionalProperties: false },
      '{"a":1,"b":2}',
      ['schema::additionalProperties b'],
    ],
    ['limits', { properties: { a: { minimum: 0, maximum: 5 } } }, '{"a":-1}', ['schema:a:minimum 0']],
    ['lengths', { properties: { a: { maxLength: 2 } } }, '{"a":"😀😀😀"}', ['schema:a:maxLength 2']],
    ['patterns', { properties: { a: { pattern: '^x$' } } }, '{"a":"y"}', ['schema:a:pattern ^x$']],
    [
      'patterns of names',
      { patternProperties: { '^n_': { type: 'number' } }, propertyNames: { pattern: '^[a-z_]+$' } },
      '{"n_a":"1","B":1}',
      ['schema::pattern ^[a-z_]+$', 'schema::propertyNames B', 'schema:n_a:type number'],
    ],
    ['values', { properties: { a: { enum: [1, { b: [2] }] } } }, '{"a":{"b":[3]}}', ['schema:a:enum']],
    ['a value', { properties: { a: { const: { x: 1, y: 2 } } } }, '{"a":{"y":2,"x":1}}', []],
    [
      'items',
      { properties: { a: { items: { type: 'number' } } } },
      '{"a":[1,"2",3,null]}',
      ['schema:a.1:type number', 'schema:a.3:type number'],
    ],
    [
      'different items',
      { properties: { a: { uniqueItems: true } } },
      '{"a":[{"x":1,"y":2},{"y":2,"x":1}]}',
      ['schema:a:uniqueItems'],
    ],
    ['different types', { properties: { a: { uniqueItems: true } } }, '{"a":[1,"1",true,[1],{"a":1},null]}', []],
    ['all items allowed', { properties: { a: { uniqueItems: false } } }, '{"a":[1,1]}', []],
    [
      'alternatives',
      { anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      '{}',
      ['schema::anyOf', 'schema::required a', 'schema::required b'],
    ],
    ['one alternative', { oneOf: [{ required: ['a'] }, { required: ['b'] }] }, '{"a":1,"b":1}', ['schema::oneOf']],
    [
      'lists that contain something, each',
      { additionalProperties: { contains: { type: 'null' } } },
      '{"a":[null],"b":[]}',
      ['schema:b:contains'],
    ],
    [
      'lists that contain something, and could be longer',
      { additionalProperties: { prefixItems: [{ type: 'number' }], contains: { type: 'string' } } },
      '{"a":[]}',
      ['schema:a:contains'],
    ],
    [
      'counts of what lists contain',
      {
        additionalProperties: { contains: { $ref: '#/$defs/n' }, minContains: 2, maxContains: 3 },
        $defs: { n: { const: 1 } },
      },
      '{"a":[1],"b":[1,0,1],"c":[1,1,1,1]}',
      ['schema:a:contains', 'schema:c:contains'],
    ],
    [
      'what Ajv keeps account of in its own way',
      { patternProperties: { '^n_': {} }, anyOf: [{ properties: { a: true }, type: 'array' }, {}] },
      '{"n_1":{}}',
      [],
    ],
    [
      'conditions',
      conditional([{ required: ['a'] }, { required: ['b'] }, true]),
      '{"a":1}',
      ['schema::if', 'schema::required b'],
    ],
    ['dependencies', { dependentRequired: { a: ['b', 'c'] } }, '{"a":1,"c":1}', ['schema::dependentRequired b']],
    [
      'references',
      tree,
      '{"v":1,"next":{"v":2,"next":{"next":{}}}}',
      ['schema:next.next.next:required v', 'schema:next.next:required v'],
    ],
    [
      'the root again',
      { properties: { a: { $ref: '#' } }, maxProperties: 1 },
      '{"a":{"a":{},"b":1}}',
      ['schema:a:maxProperties 1'],
    ],
    [
      'names with dots, written as paths',
      { additionalProperties: { type: 'string' } },
      '{"a.b":1}',
      ['schema:a\\.b:type string'],
    ],
    [
      'odd names of its own',
      { properties: { "it's [0]": { items: false } } },
      `{"it's [0]":[1]}`,
      ["schema:it's [0].0:false schema"],
    ],
    ['no format', { properties: { a: { format: 'date-time' }, b: { format: 'unheard-of' } } }, '{"a":"x","b":"y"}', []],
  ])('%s', (_title, schema, event, expected) => {
    expect(issues(schema, event).toSorted()).toEqual(expected.toSorted());
  });

  it('what is certified: after map and coercion, with unsafe numbers as text', () => {
    const policy = compilePolicy({
      map: { 'm.t': 'temp', n: 'n' },
      coerce: { 'm.t': 'number' },
      constraints: { schema: { properties: { m: { properties: { t: { type: 'number' } } }, n: { type: 'number' } } } },
    });
    const run = (event: string) => policy.normalize(parseJson(event) as JsonObject, 0).issues;
    expect(run('{"temp":"21.5","n":1}')).toEqual([]);
    expect(run('{"temp":"21.5","n":12345678901234567890}')).toEqual(['number-unsafe:n', 'schema:n:type number']);
  });

  it('all of it, the outermost violations first, 32 at most', () => {
    const schema = { required: ['z'], properties: { a: { minItems: 1000, items: { type: 'string' } } } };
    const all = issues(schema, JSON.stringify({ a: Array(500).fill(1) }));
    expect(all.slice(0, 4)).toEqual([
      'schema::required z',
      'schema:a:minItems 1000',
      'schema:a.0:type string',
      'schema:a.1:type string',
    ]);
    expect(all).toHaveLength(32);
  });

  it('own members only, where events have names that objects inherit', () => {
    expect(issues({ properties: { a: { const: { x: 1 } } } }, '{"a":{"valueOf":1,"toString":2}}')).toEqual([
      'schema:a:const',
    ]);
    expect(issues({ properties: { constructor: { type: 'string' } } }, '{}')).toEqual([]);
  });
});

describe('a schema is refused for', () => {
  const nested = (levels: number): unknown => (levels === 0 ? {} : { not: nested(levels - 1) });
  const chain = Object.fromEntries(
    Array.from({ length: 18 }, (_, i) => [`d${i}`, i === 17 ? {} : { $ref: `#/$defs/d${i + 1}` }]),
  );
  it.each<[string, unknown, string, string]>([
    ['not being one', true, 'wrong-type', ''],
    ['a remote reference', { $ref: 'https://example.org/x' }, 'invalid-value', '.$ref'],
    ['a reference to a file', { items: { $ref: 'x.json#/a' } }, 'invalid-value', '.items.$ref'],
    ['a reference to nothing', { $ref: '#/$defs/a' }, 'invalid-value', '.$ref'],
    ['a reference to no schema', { required: ['a'], $ref: '#/required' }, 'invalid-value', '.$ref'],
    ['a damaged reference', { $ref: '#/%' }, 'invalid-value', '.$ref'],
    ['another dialect', { $schema: 'http://json-schema.org/draft-07/schema#' }, 'invalid-value', '.$schema'],
    ['an inner id', { items: { $id: 'https://example.org/x' } }, 'unknown-member', '.items.$id'],
    ['what Ajv cannot be trusted with', { unevaluatedProperties: false }, 'unknown-member', '.unevaluatedProperties'],
    ['dynamic references', { $dynamicRef: '#a' }, 'unknown-member', '.$dynamicRef'],
    ['an unknown keyword', { properties: { a: { minimun: 1 } } }, 'unknown-member', '.properties.a.minimun'],
    ['a keyword named like an inherited one', { constructor: {} }, 'unknown-member', '.constructor'],
    ['a type that is none', { type: 'float' }, 'invalid-value', '.type'],
    ['a type twice', { type: ['null', 'null'] }, 'invalid-value', '.type'],
    ['items as a list', { items: [{}] }, 'wrong-type', '.items'],
    ['an empty enum', { enum: [] }, 'invalid-value', '.enum'],
    ['an empty alternative', { anyOf: [] }, 'invalid-value', '.anyOf'],
    ['a negative count', { minItems: -1 }, 'invalid-value', '.minItems'],
    ['a factor of 0', { multipleOf: 0 }, 'invalid-value', '.multipleOf'],
    ['text for a number', { maximum: '5' }, 'wrong-type', '.maximum'],
    ['a name listed twice', { required: ['a', 'a'] }, 'invalid-value', '.required'],
    ['a number that is not what was written', { enum: [2 ** 53] }, 'invalid-value', '.enum'],
    [
      'a member that Ajv passes by',
      JSON.parse('{"properties":{"__proto__":{}}}'),
      'invalid-value',
      '.properties.__proto__',
    ],
    ['look-ahead', { properties: { a: { pattern: '(?=x)' } } }, 'invalid-value', '.properties.a.pattern'],
    ['look-behind in a name', { patternProperties: { '(?<!x)y': {} } }, 'invalid-value', '.patternProperties.(?<!x)y'],
    ['a circle', { $ref: '#' }, 'conflict', ''],
    ['a long circle', { allOf: [{ anyOf: [{ if: { $ref: '#/allOf/0' } }] }] }, 'conflict', '.allOf[0]'],
    ['two anchors of a name', { items: { $anchor: 'a' }, contains: { $anchor: 'a' } }, 'conflict', '.items.$anchor'],
    ['a chain of references', { $ref: '#/$defs/d0', $defs: chain }, 'too-large', ''],
    [
      'its size',
      { properties: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`p${i}`, {}])) },
      'too-large',
      '',
    ],
    [
      'its size, referring to itself',
      { properties: { a: { $ref: '#' } }, required: Array.from({ length: 300 }, (_, i) => `p${i}`) },
      'too-large',
      '',
    ],
    [
      'its patterns',
      { patternProperties: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`p${i}`, true])) },
      'too-large',
      '.patternProperties.p99',
    ],
    ['its depth', nested(70), 'invalid-value', 'policy'],
  ])('%s', (_title, schema, code, where) => {
    const refused = where === 'policy' ? '' : `constraints.schema${where}`;
    try {
      parsePolicy({ constraints: { schema } });
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      expect([error.code, error.path]).toEqual([code, refused]);
      return;
    }
    expect('accepted').toBe(code);
  });
});
