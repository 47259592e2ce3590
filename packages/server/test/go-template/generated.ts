/** Random templates, formats and values. */
import fc from 'fast-check';
import type { JsonData } from '../../src/go-template/values.ts';
import type { Case } from './oracle.ts';

const float = fc.double({ noNaN: true, noDefaultInfinity: true });
/** Those near halves and powers of ten, where rounding shows. */
const delicate = fc
  .tuple(fc.integer({ min: -999_999, max: 999_999 }), fc.integer({ min: -25, max: 25 }))
  .map(([mantissa, exponent]) => Number(`${mantissa}e${exponent}`));
/** Without -0, which JSON.stringify writes as 0. */
const number = fc
  .oneof(
    float,
    delicate,
    fc.integer().map(Number),
    fc.integer({ min: -9, max: 9 }).map((n) => n / 2),
  )
  .map((n) => n + 0);
const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.string({ unit: 'binary', maxLength: 4 }));
const scalar = fc.oneof(number, text, fc.boolean(), fc.constant(null));
const value: fc.Arbitrary<JsonData> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('a', 'b', 'é', '10', '9'), scalar, { maxKeys: 3 }) },
);

const flags = fc.subarray(['+', '-', '#', ' ', '0']).map((chosen) => chosen.join(''));
const optional = (arbitrary: fc.Arbitrary<string>) => fc.option(arbitrary, { nil: '' });
const width = optional(fc.integer({ min: 0, max: 20 }).map(String));
const precision = optional(fc.integer({ min: 0, max: 30 }).map((digits) => `.${digits}`));
const verb = fc.constantFrom(...'vTdsqxXfFeEgGtcUboOwz%');
const directive = fc.tuple(flags, width, precision, verb).map((parts) => `%${parts.join('')}`);
const literal = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.constantFrom('nil', '1.5', `'é'`),
);

/** `printf` with one directive, of a number or text in the data and of a literal. */
export const printfCase: fc.Arbitrary<Case> = fc
  .record({ directives: fc.tuple(directive, directive), data: value, literal })
  .map(({ directives: [first, second], data, literal }) => ({
    template: `{{printf ${JSON.stringify(`${first}|${second}`)} . ${literal}}}`,
    data,
  }));

const KEYS = ['s', 'n', 'l', 'm', 'b', 'nil', 'missing'];
const operand = fc.constantFrom(
  ...KEYS.map((key) => `.${key}`),
  ...[
    '.',
    '$',
    '$x',
    '.m.a',
    '.missing.a',
    '1',
    '0',
    '1.5',
    '"a"',
    '""',
    'true',
    'nil',
    '(len .l)',
    '(index .l 0)',
    '.n',
  ],
);
const name = fc.constantFrom(
  'print',
  'println',
  'len',
  'not',
  'and',
  'or',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'index',
);
/** Without epoch: a range over it would count for a minute. */
const other = fc.constantFrom('slice', 'html', 'js', 'urlquery', 'coalesce', 'join', 'printf "%v"', 'env');
const command = fc
  .tuple(fc.oneof(name, other), fc.array(operand, { maxLength: 3 }))
  .map(([called, operands]) => [called, ...operands].join(' '));
const pipeline = fc.oneof(
  operand,
  command,
  fc.tuple(fc.oneof(operand, command), command).map(([first, second]) => `${first} | ${second}`),
);
const plain = fc.constantFrom('a', ' ', '\n', '  b\n', 'é');
const opening = fc.constantFrom('{{', '{{- ', '{{ ');
const closing = fc.constantFrom('}}', ' -}}', ' }}');
const action = (inside: fc.Arbitrary<string>) => fc.tuple(opening, inside, closing).map((parts) => parts.join(''));

const { body } = fc.letrec<{ body: string; node: string }>((tie) => ({
  body: fc.array(tie('node'), { maxLength: 4 }).map((nodes) => nodes.join('')),
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    plain,
    action(pipeline),
    action(pipeline.map((pipe) => `$x = ${pipe}`)),
    action(pipeline.map((pipe) => `$x := ${pipe}`)),
    block('if', tie('body')),
    block('with', tie('body')),
    block('range', tie('body')),
    block('range $k, $x :=', tie('body')),
    action(fc.constantFrom('break', 'continue', '/* note */', 'template "t2" .', 'end', 'else')),
  ),
}));

function block(keyword: string, inside: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const otherwise = fc.oneof(
    fc.constant(''),
    fc.tuple(action(fc.constant('else')), inside).map((parts) => parts.join('')),
  );
  return fc
    .tuple(action(pipeline.map((pipe) => `${keyword} ${pipe}`)), inside, otherwise, action(fc.constant('end')))
    .map((parts) => parts.join(''));
}

const members = fc.record({ s: text, n: number, l: fc.array(scalar, { maxLength: 3 }), b: fc.boolean(), m: value });

/** A small template of any kind; some are none. */
export const templateCase: fc.Arbitrary<Case> = fc.record({ body, data: members }).map(({ body, data }) => ({
  template: `{{$x := 1}}${body}{{define "t2"}}<{{.}}>{{end}}`,
  data: { ...data, nil: null },
}));
