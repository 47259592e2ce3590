/** Policies with a map: the payload is built field by field. */
import { canonicalize } from '@tidemark/proof';
import { type JsonObject, MAX_EVENT_DEPTH, UnsafeNumber } from '../json/parse.ts';
import { type Branch, buildTree, compilePath, type PathGetter, parsePath } from '../json/path.ts';
import { addIssue } from './issues.ts';
import type { MappingPolicy, MapSource } from './policy.ts';
import { compileRules, type PayloadWriter, type Slots } from './rules.ts';
import { fits, withoutUnsafe } from './settle.ts';

export function compileMapped(policy: MappingPolicy, map: Record<string, MapSource>): PayloadWriter {
  const names = Object.keys(map).sort();
  const sources = new Map(Object.entries(map));
  const read = compileReader(names.map((name) => sources.get(name) as MapSource));
  const paths = names.map(parsePath);
  const rules = compileRules(policy, names);
  const writeScalars = compileFlat(paths);
  const write = compileTree(buildTree(paths));
  return (event, issues) => {
    const slots = read(event);
    rules(slots, issues);
    const scalar = settle(slots, paths, names, issues);
    if (scalar && writeScalars !== undefined) return writeScalars(slots);
    return write(slots) ?? '{}';
  };
}

/**
 * Reading and writing flat events is code with the names in it, for V8 then knows where each member is. 50 fields: 0.9 µs
 * less to read than with closures over the names, and 1.0 µs less to write. JSON makes any name a literal, and no more.
 */
function compileReader(sources: readonly MapSource[]): (event: JsonObject) => Slots {
  const reads = sources.map((source, slot) => {
    const [key, ...rest] = typeof source === 'string' ? parsePath(source) : [];
    const isPlain = key !== undefined && rest.length === 0 && !(key in Object.prototype);
    return isPlain ? `event[${JSON.stringify(key)}]` : `getters[${slot}](event)`;
  });
  return new Function('getters', `return (event) => [${reads.join()}]`)(sources.map(compileSource));
}

function compileSource(source: MapSource): PathGetter {
  if (typeof source === 'string') return compilePath(source);
  if ('const' in source) return () => source.const;
  const get = compilePath(source.path);
  const { default: fallback } = source;
  return fallback === undefined ? get : (event) => get(event) ?? fallback;
}

/** Leaves in the slots what RFC 8785 can write, and tells whether all of it is scalar. */
function settle(slots: Slots, paths: string[][], names: string[], issues: string[]): boolean {
  let scalar = true;
  for (let slot = 0; slot < slots.length; slot++) {
    const value = slots[slot];
    if (typeof value !== 'object' || value === null) continue;
    const path = paths[slot] as string[];
    if (!fits(value, MAX_EVENT_DEPTH - path.length)) {
      addIssue(issues, 'too-deep', names[slot] as string);
      slots[slot] = undefined;
    } else slots[slot] = withoutUnsafe(value, path, issues);
    scalar &&= value instanceof UnsafeNumber;
  }
  return scalar;
}

const INTEGER_KEY = /^\d+$/;

/**
 * For payloads without nesting: an object with all members in order, written with JSON.stringify, which leaves out
 * undefined members and is the same as RFC 8785 for ordered scalars. 50 fields: 2.3 µs, against 3.3 for setting the
 * members of an object that is kept, 5.1 for joining texts, and 9.7 for an object that grows.
 */
function compileFlat(paths: string[][]): ((slots: Slots) => string) | undefined {
  const keys = paths.map((path) => path[0] as string);
  // Integer keys would come first in number order, and __proto__ would not be a member.
  const plain = keys.every((key) => !INTEGER_KEY.test(key) && !(key in Object.prototype));
  if (!plain || paths.some((path) => path.length > 1)) return undefined;
  const members = keys.map((key, slot) => [key, `${JSON.stringify(key)}:slots[${slot}]`] as const);
  const sorted = members.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, member]) => member);
  return new Function('stringify', `return (slots) => stringify({${sorted.join()}})`)(JSON.stringify);
}

type TreeWriter = (slots: Slots) => string | undefined;

/** Text of a part of the payload; undefined where none of its fields is there. */
function compileTree(branch: Branch): TreeWriter {
  const members = branch.members.map(({ key, to }) => ({
    name: `${JSON.stringify(key)}:`,
    write: typeof to === 'number' ? compileLeaf(to) : compileTree(to),
  }));
  return (slots) => {
    let text = '';
    for (const { name, write } of members) {
      const value = write(slots);
      if (value !== undefined) text += (text === '' ? '' : ',') + name + value;
    }
    return text === '' ? undefined : `{${text}}`;
  };
}

function compileLeaf(slot: number): TreeWriter {
  return (slots) => {
    const value = slots[slot];
    if (typeof value === 'number') return String(value);
    return value === undefined ? undefined : canonicalize(value);
  };
}
