/** Every failure says of what kind it is and where. */
import { describe, expect, test } from 'vitest';
import { GoTemplateError, type GoTemplateErrorCode, MAX_DEPTH } from '../../src/go-template/errors.ts';
import { GoTemplate } from '../../src/go-template/template.ts';
import { GoTime, UTC } from '../../src/go-template/time.ts';
import type { JsonData } from '../../src/go-template/values.ts';

const surroundings = { env: {}, now: () => new GoTime(0n, UTC, UTC) };

function failure(template: string, data: JsonData = {}): GoTemplateError {
  try {
    new GoTemplate('gate.tmpl', template).render(data, surroundings);
  } catch (error) {
    if (error instanceof GoTemplateError) return error;
    throw error;
  }
  return expect.fail(`${template} renders`);
}

describe('where', () => {
  test.each<[string, GoTemplateErrorCode, number, number]>([
    ['{{', 'syntax', 1, 3],
    ['a\n{{nope}}', 'syntax', 2, 3],
    ['a\nüü{{.x }', 'syntax', 2, 8],
    ['{{if true}}\n{{else}}', 'syntax', 2, 9],
    ['{{"a" | "b"}}', 'syntax', 1, 9],
    ['{{/* é\n\n*/}}{{/* open', 'syntax', 3, 7],
    ['{{define "a"}}x{{end}}\n{{define "a"}}y{{end}}', 'syntax', 2, 10],
    ['x\n  {{index .l 9}}', 'execution', 2, 5],
    ['{{define "in"}}\n{{.a.b}}{{end}}{{template "in" 1}}', 'execution', 2, 3],
    ['ü{{template "missing"}}', 'execution', 1, 13],
    ['{{print (len 1)}}', 'execution', 1, 10],
    ['{{range 1.5}}{{end}}', 'execution', 1, 3],
    ['{{ 1i }}', 'unsupported', 1, 4],
    ['{{ now.Round 1 }}', 'unsupported', 1, 7],
    ['{{ printf "%d" now }}', 'unsupported', 1, 4],
  ])('%j: %s at %i:%i', (template, code, line, column) => {
    const error = failure(template, { l: [] });
    expect({ code: error.code, line: error.line, column: error.column }).toEqual({ code, line, column });
    expect(error.template).toBe('gate.tmpl');
    expect(error.message).toMatch(new RegExp(`^template: gate\\.tmpl:${line}:${column}: \\S`));
  });
});

describe('what is nested too deep', () => {
  const nested = (depth: number) => {
    let data: JsonData = null;
    for (let level = 0; level < depth; level++) data = level % 2 === 0 ? [data] : { x: data };
    return data;
  };

  test.each<[string, string, JsonData]>([
    ['parentheses', `{{${'('.repeat(5000)}1${')'.repeat(5000)}}}`, {}],
    ['blocks', '{{if true}}'.repeat(5000) + '{{end}}'.repeat(5000), {}],
    ['else if', `{{if false}}${'{{else if false}}'.repeat(5000)}{{end}}`, {}],
    ['templates', '{{define "a"}}{{template "a"}}{{end}}{{template "a"}}', {}],
    ['data', '{{.}}', nested(5000)],
  ])('%s', (_what, template, data) => {
    expect(failure(template, data).code).toBe('limit');
  });

  test('as deep as it may be, all of it renders', () => {
    const depth = MAX_DEPTH - 2;
    const template =
      `{{${'('.repeat(depth)}1${')'.repeat(depth)}}}` +
      `${'{{if true}}'.repeat(depth)}2${'{{end}}'.repeat(depth)}` +
      `{{define "a"}}{{range .}}{{template "b" .}}{{end}}{{end}}` +
      `{{define "b"}}{{range .}}{{template "a" .}}{{end}}{{end}}{{template "a" .}}{{len (print .)}}`;
    const rendered = new GoTemplate('deep', template).render(nested(depth), surroundings).toString();
    expect(rendered).toMatch(/^12\d+$/);
  });
});

test('a number that no double holds is refused before anything is rendered', () => {
  expect(failure('x', JSON.parse('{"n":1e400}') as JsonData).code).toBe('execution');
});

test('the bytes of a template go through, UTF-8 or not', () => {
  const bytes = Buffer.from([0xff, 0x7b, 0x7b, 0x31, 0x7d, 0x7d, 0xc3]);
  expect([...new GoTemplate('raw', bytes).render(null, surroundings)]).toEqual([0xff, 0x31, 0xc3]);
});
