/** A filter's tree as closures, made once: a filter is asked for every event and every client. */
import type { JsonValue } from '../json/parse.ts';
import type { Among, Node, Order, Term } from './parse.ts';
import type { Subject } from './path.ts';
import type { Scalar } from './scanner.ts';

export type Test = (subject: Subject) => boolean;
type ValueTest = (value: JsonValue | undefined) => boolean;

const ALWAYS: Test = () => true;

/** Whether a subject matches. */
export function compileMatch(node: Node): Test {
  switch (node.kind) {
    case 'and':
      return all(node.of.map(compileMatch));
    case 'or':
      return some(node.of.map(compileMatch));
    case 'not':
      return negate(compileMatch(node.of));
    default:
      return compileTerm(node);
  }
}

/**
 * Whether there may be a payload with which the node comes out as `wanted`, each of its terms taken by itself (Kleene's
 * logic): what is said of the payload may be either.
 */
export function compilePossible(node: Node, wanted: boolean): Test {
  switch (node.kind) {
    case 'and':
    case 'or': {
      const tests = node.of.map((inner) => compilePossible(inner, wanted));
      return (node.kind === 'and') === wanted ? all(tests) : some(tests);
    }
    case 'not':
      return compilePossible(node.of, !wanted);
    default:
      if (node.path.ofPayload) return ALWAYS;
      return wanted ? compileTerm(node) : negate(compileTerm(node));
  }
}

function all(tests: readonly Test[]): Test {
  const [first, second, third] = tests as [Test, Test, Test?];
  if (tests.length === 2) return (subject) => first(subject) && second(subject);
  if (tests.length === 3) return (subject) => first(subject) && second(subject) && third!(subject);
  return (subject) => {
    for (const test of tests) if (!test(subject)) return false;
    return true;
  };
}

function some(tests: readonly Test[]): Test {
  const [first, second, third] = tests as [Test, Test, Test?];
  if (tests.length === 2) return (subject) => first(subject) || second(subject);
  if (tests.length === 3) return (subject) => first(subject) || second(subject) || third!(subject);
  return (subject) => {
    for (const test of tests) if (test(subject)) return true;
    return false;
  };
}

function negate(test: Test): Test {
  return (subject) => !test(subject);
}

function compileTerm(term: Term): Test {
  const { read } = term.path;
  if (term.kind === 'exists') return (subject) => read(subject) !== undefined;
  if (term.kind === 'order') {
    const test = ordered(term.order, term.value);
    return (subject) => test(read(subject));
  }
  const test = among(term);
  return term.negated ? (subject) => !test(read(subject)) : (subject) => test(read(subject));
}

/** Only within a type; text by its code units. */
function ordered(order: Order, bound: string | number): ValueTest {
  const type = typeof bound;
  // What is of one type is what the operators compare here.
  switch (order) {
    case '<':
      return (value) => typeof value === type && (value as number) < (bound as number);
    case '<=':
      return (value) => typeof value === type && (value as number) <= (bound as number);
    case '>':
      return (value) => typeof value === type && (value as number) > (bound as number);
    case '>=':
      return (value) => typeof value === type && (value as number) >= (bound as number);
  }
}

function among({ values }: Among): ValueTest {
  const [single] = values as [Scalar];
  if (values.length === 1) return (value) => value === single || (Array.isArray(value) && value.includes(single));
  const set: ReadonlySet<unknown> = new Set(values);
  return (value) => set.has(value) || (Array.isArray(value) && value.some((item) => set.has(item)));
}
