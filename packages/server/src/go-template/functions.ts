/** What a template can call by name: Go's own functions and the notifier's. */
import { toBytes } from './bytes.ts';
import { indexed, length, sliced } from './collections.ts';
import { equalsAny, less } from './compare.ts';
import { Refusal } from './errors.ts';
import { escapeHtml, escapeJs, escapeQuery } from './escape.ts';
import { sprint, sprintln } from './print.ts';
import { sprintf } from './printf.ts';
import { floorDivided, type GoTime } from './time.ts';
import { GoInt, isTrue, type Value } from './values.ts';

/**
 * The type of a parameter. `value` takes what is there, nothing as well (`reflect.Value`); to `any`, nothing is a nil.
 */
export type Param = 'any' | 'value' | 'string' | 'int' | 'time.Duration' | 'time.Time' | '[]interface {}';

export interface Callable {
  params: readonly Param[];
  /** Of any number of arguments after those. */
  rest?: Param;
  call: (args: readonly Value[]) => Value;
}

/** What the functions get from outside. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  now: () => GoTime;
}

const text = (value: Value) => value as string;
const compared = (decide: (a: Value, b: Value) => boolean): Callable => ({
  params: ['value', 'value'],
  call: ([a, b]) => decide(a, b),
});
const escaping = (escapes: (bytes: string) => string): Callable => ({
  params: [],
  rest: 'any',
  call: (args) => escapes(printed(args)),
});

/** `and` and `or` are not here: they look at their arguments one by one, and are the evaluator's. */
const BUILTINS: Readonly<Record<string, Callable>> = {
  not: { params: ['value'], call: ([value]) => !isTrue(value) },
  len: { params: ['value'], call: ([item]) => length(item) },
  index: { params: ['value'], rest: 'value', call: ([item, ...indexes]) => indexed(item, indexes) },
  slice: { params: ['value'], rest: 'value', call: ([item, ...indexes]) => sliced(item, indexes) },
  print: { params: [], rest: 'any', call: sprint },
  println: { params: [], rest: 'any', call: sprintln },
  printf: { params: ['string'], rest: 'any', call: ([format, ...args]) => sprintf(text(format), args) },
  html: escaping(escapeHtml),
  js: escaping(escapeJs),
  urlquery: escaping(escapeQuery),
  eq: { params: ['value'], rest: 'value', call: ([first, ...others]) => equalsAny(first, others) },
  ne: compared((a, b) => !equalsAny(a, [b])),
  lt: compared(less),
  le: compared((a, b) => less(a, b) || equalsAny(a, [b])),
  gt: compared((a, b) => !(less(a, b) || equalsAny(a, [b]))),
  ge: compared((a, b) => !less(a, b)),
  // Nothing in JSON is a function, so there is nothing that Go would call either.
  call: { params: ['value'], rest: 'value', call: notAFunction },
};

/** `env`, `epoch`, `now`, `join` and `coalesce`. */
function notifierFunctions({ env, now }: Surroundings): Readonly<Record<string, Callable>> {
  return {
    env: { params: ['string'], call: ([name]) => toBytes(env[Buffer.from(text(name), 'latin1').toString()] ?? '') },
    epoch: { params: [], call: () => new GoInt('int64', floorDivided(now().unixNano, 1_000_000_000n)) },
    now: { params: [], call: now },
    // In the order of strings.Join, the list first, with each element as `print` writes it.
    join: {
      params: ['[]interface {}', 'string'],
      call: ([list, separator]) => (list as Value[]).map((item) => sprint([item])).join(text(separator)),
    },
    // The first that `if` takes for true, so neither "" nor 0, false, an empty list or nothing.
    coalesce: { params: [], rest: 'any', call: (args) => args.find(isTrue) ?? null },
  };
}

export function functionsFor(surroundings: Surroundings): ReadonlyMap<string, Callable> {
  return new Map(Object.entries({ ...BUILTINS, ...notifierFunctions(surroundings) }));
}

export const FUNCTION_NAMES: ReadonlySet<string> = new Set([
  ...['and', 'or', 'env', 'epoch', 'now', 'join', 'coalesce'],
  ...Object.keys(BUILTINS),
]);

/** The arguments as one text, in which nothing is written as a template writes it. */
function printed(args: readonly Value[]): string {
  return sprint(args.map((arg) => (arg === undefined || arg === null ? '<no value>' : arg)));
}

function notAFunction(): never {
  throw new Refusal('execution', 'call of what is no function');
}
