/**
 * The payload against a JSON Schema, by Ajv. What Ajv leaves open is closed here and in its neighbours: a schema is read
 * by `shape.ts` first, expressions are matched in linear time, the work on one event is bounded, and the issues are in
 * words of our own and sorted, so that they hang neither on Ajv's order nor on its wording.
 */
import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import type { JsonObject, JsonValue } from '../../json/parse.ts';
import { PolicyError } from '../../policy/policy-error.ts';
import type { Json } from '../../policy/values.ts';
import { addIssue } from '../issues.ts';
import { compilePattern } from '../pattern.ts';
import { CHARGE, ownKeywords } from './keywords.ts';
import { reportErrors } from './report.ts';
import { type Subschema, shapeSchema } from './shape.ts';
import { OutOfWork, Work } from './work.ts';

/** @param payload RFC 8785 text */
export type SchemaCheck = (payload: string, issues: string[]) => void;

const WHERE = 'constraints.schema';
/** Steps that any payload may take, and for each of its characters: some 0.2 ms and 1 µs at worst. */
const BASE_STEPS = 20_000;
const STEPS_PER_CHARACTER = 100;
/** Also of alternatives, of which some may fail and the whole hold. */
const MAX_ERRORS = 10_000;
const MIN_ERRORS = 256;
/** Errors to be listed times the length of the payload, which may be that of the path that each writes. */
const MAX_PATHS_LENGTH = 50_000_000;

/** @throws PolicyError */
export function compileSchema(schema: JsonObject): SchemaCheck {
  const shape = shapeSchema(schema, WHERE);
  const decide = compileRun(shape, false);
  let list: Run | undefined;
  return (payload, issues) => {
    // Members come in the order of the canonical text, so that the steps are the same for any order in the raw event.
    const value = JSON.parse(payload) as JsonValue;
    const steps = BASE_STEPS + STEPS_PER_CHARACTER * payload.length;
    const first = decide(value, steps, MAX_ERRORS);
    if (first === 'out-of-work') addIssue(issues, 'schema', '', 'takes too many steps to check');
    if (typeof first === 'string') return;
    // Going on after the first error takes longer, and only events that are refused need it.
    list ??= compileRun(shape, true);
    const maxErrors = Math.max(MIN_ERRORS, Math.min(MAX_ERRORS, MAX_PATHS_LENGTH / payload.length));
    const errors = list(value, steps, maxErrors);
    if (typeof errors === 'string') addIssue(issues, 'schema', '', 'too many violations to list');
    else reportErrors(errors, issues);
  };
}

type Engine = NonNullable<NonNullable<Options['code']>['regExp']>;
type Run = (value: JsonValue, steps: number, maxErrors: number) => ErrorObject[] | 'valid' | 'out-of-work';

function compileRun(shape: Subschema, allErrors: boolean): Run {
  const work = new Work();
  const validate = compileAjv(shape, allErrors, work);
  return (value, steps, maxErrors) => {
    work.begin(steps, maxErrors);
    try {
      if (validate(value)) return 'valid';
    } catch (error) {
      if (error instanceof OutOfWork) return 'out-of-work';
      throw error;
    }
    const errors = validate.errors ?? [];
    validate.errors = null;
    return errors;
  };
}

function compileAjv(shape: Subschema, allErrors: boolean, work: Work): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors,
    // Whatever strict mode and the meta-schema refuse has been refused, or is harmless.
    strict: false,
    meta: false,
    validateSchema: false,
    validateFormats: false,
    // Not `toString` and others that an event only inherits.
    ownProperties: true,
    // As functions of their own, references cannot multiply the code.
    inlineRefs: false,
    // The other syntax escapes every key on the way for each reference, in the time of the key's length.
    jsPropertySyntax: true,
    messages: false,
    logger: false,
    code: { regExp: engine(work), optimize: false },
  });
  // Set by Ajv2020, for keywords that no schema here has: see `vocabulary.ts`.
  ajv.opts.unevaluated = false;
  const own = ownKeywords(work);
  for (const { keyword } of own) ajv.removeKeyword(keyword as string);
  ajv.addVocabulary(own);
  try {
    return ajv.compile(render(shape));
  } catch (cause) {
    const problem = `cannot be compiled (${cause instanceof Error ? cause.message : String(cause)})`.slice(0, 256);
    throw new PolicyError('invalid-value', WHERE, problem, 'simplify it', { cause });
  }
}

/** What Ajv calls in place of `new RegExp`. It tells expressions apart by their text. */
function engine(work: Work): Engine {
  const compile = (source: string) => {
    const pattern = compilePattern(source, WHERE);
    return { test: (text: string) => work.match(pattern, text), toString: () => source };
  };
  return Object.assign(compile, { code: 'linear' });
}

/** The schema as Ajv gets it: what is referred to has its place, and its one name, in `$defs`. */
function render(root: Subschema): Json | boolean {
  const names = new Map<Subschema, string>();
  const definitions: Json = {};
  const refer = (schema: Subschema): string => {
    if (schema === root) return '#';
    const known = names.get(schema);
    if (known !== undefined) return `#/$defs/${known}`;
    const name = `d${names.size}`;
    names.set(schema, name);
    definitions[name] = write(schema);
    return `#/$defs/${name}`;
  };
  const write = ({ verdict, assertions, applied, ref, size }: Subschema): Json | boolean => {
    if (verdict !== undefined) return verdict;
    if (assertions.length + applied.length === 0 && ref === undefined) return true;
    const rendered: Json = { [CHARGE]: size, ...Object.fromEntries(assertions) };
    for (const { keyword, applicator, schemas } of applied) {
      const written = schemas.map(([name, schema]) => [name, write(schema)] as const);
      if (applicator.holds === 'named') rendered[keyword] = Object.fromEntries(written);
      else rendered[keyword] = applicator.holds === 'one' ? written[0]?.[1] : written.map(([, schema]) => schema);
    }
    if (ref !== undefined) rendered.$ref = refer(ref);
    return rendered;
  };
  const rendered = write(root);
  return typeof rendered === 'boolean' ? rendered : { ...rendered, $defs: definitions };
}
