/** Filters and what they are asked about, at random. */
import fc from 'fast-check';
import { METADATA } from '../../src/filter/path.ts';

const name = fc.constantFrom('a', 'b', 'tags', 'and', '__proto__', 'odd name', '0', 'é', 'x-1', 'toString', 'quo\'te"');
const literal = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom('', 'x', 's1', 'é', '\n"\\', "'", '😀'),
  fc.boolean(),
  fc.constant(null),
);
const ordered = literal.filter((value) => typeof value === 'number' || typeof value === 'string');

function quoted(value: string, single: boolean): string {
  const text = JSON.stringify(value);
  return single ? `'${text.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'` : text;
}

const spelled = (values: fc.Arbitrary<string | number | boolean | null>) =>
  fc.tuple(values, fc.boolean()).map(([value, single]) => {
    if (typeof value === 'string') return quoted(value, single);
    return typeof value === 'number' && Math.abs(value) >= 2 ** 53 ? value.toExponential() : JSON.stringify(value);
  });

const payloadPath = fc
  .tuple(fc.constantFrom('normalized', 'payload'), fc.array(name, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([root, names, single]) => [root, ...names.map((segment) => quoted(segment, single))].join('.'));
const metadataPath = fc.constantFrom(...[...METADATA].filter((known) => known !== 'eventTime'));
const path = fc.oneof(
  payloadPath,
  metadataPath,
  fc.constantFrom('a', 'tags', 'normalized', 'a.b', 'tags.0', 'packet.start'),
);

const comparison = fc.oneof(
  fc.tuple(path, fc.constantFrom('==', '=', '!='), spelled(literal)).map((parts) => parts.join(' ')),
  fc.tuple(path, fc.constantFrom('<', '<=', '>', '>='), spelled(ordered)).map((parts) => parts.join('')),
  fc
    .tuple(path, fc.constantFrom('in', 'not in'), fc.array(spelled(literal), { minLength: 1, maxLength: 4 }))
    .map(([what, how, values]) => `${what} ${how} [${values.join(',')}]`),
  path.map((what) => `exists(${what})`),
);

/** Filters as text, nested up to four deep. */
export const filterText: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    comparison,
    fc
      .tuple(tie('any'), fc.constantFrom(' and ', ' or ', '&&', '||'), tie('any'))
      .map(([a, op, b]) => `(${a})${op}(${b})`),
    tie('any').map((inner) => `not (${inner})`),
  ),
})).any;

const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    literal,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(name, tie('any'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).any;

export const payload = fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true });

/** What an event's message or item says beside the payload. */
export const metadata = fc.record(
  {
    type: fc.constantFrom('certified', 'x'),
    stream: fc.constantFrom('x', 's1'),
    sourceId: fc.constantFrom('x', 's1', null),
    sources: fc.array(fc.constantFrom('x', 's1'), { maxLength: 2 }),
    seq: fc.integer({ min: -3, max: 3 }),
    packet: fc.record({ start: fc.nat(3), end: fc.nat(3) }),
    conflict: fc.boolean(),
    reasons: fc.array(fc.constantFrom('x', 'late'), { maxLength: 2 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

export const subject = fc.tuple(metadata, payload).map(([about, normalized]) => ({ ...about, normalized }));
