/** Policies with a map: the payload is built field by field. */
import { canonicalize } from '@tidemark/proof';
import { type JsonValue, MAX_EVENT_DEPTH, UnsafeNumber } from '../json/parse.ts';
import { type Branch, buildTree, compilePath, type PathGetter, parsePath } from '../json/path.ts';
import { addIssue } from './issues.ts';
import type { MappingPolicy, MapSource } from './policy.ts';
import { compileRules, type PayloadWriter, type Slots } from './rules.ts';
import { fits, withoutUnsafe } from './settle.ts';

export function compileMapped(policy: MappingPolicy, map: Record<string, MapSource>): PayloadWriter {
  const names = Object.keys(map).sort();
  const sources = new Map(Object.entries(map));
  const getters = names.map((name) => compileSource(sources.get(name) as MapSource));
  const paths = names.map(parsePath);
  const rules = compileRules(policy, names);
  const writeScalars = compileFlat(paths);
  const write = compileTree(buildTree(paths));
  return (event, issues) => {
    const slots: Slots = new Array(getters.length);
    for (let slot = 0; slot < getters.length; slot++) slots[slot] = (getters[slot] as PathGetter)(event);
    rules(slots, issues);
    const scalar = settle(slots, paths, names, issues);
    if (scalar && writeScalars !== undefined) return writeScalars(slots);
    return write(slots) ?? '{}';
  };
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
 * For payloads without nesting: sets the members of one object that is kept for the purpose and has them in order
 * from the start, and writes that with JSON.stringify, which leaves out undefined members and is the same as RFC 8785
 * for ordered scalars. 50 fields: 3.9 µs, against 5.7 for joining texts and 9.7 for a new object each time.
 */
function compileFlat(paths: string[][]): ((slots: Slots) => string) | undefined {
  const keys = paths.map((path) => path[0] as string);
  // Integer keys would come first in number order, and __proto__ would not be a member.
  const plain = keys.every((key) => !INTEGER_KEY.test(key) && !(key in Object.prototype));
  if (!plain || paths.some((path) => path.length > 1)) return undefined;
  const empty = keys.toSorted().map((key) => `${JSON.stringify(key)}:null`);
  // Parsed, since an object that grows member by member becomes a slow dictionary on the way.
  const scratch = JSON.parse(`{${empty.join(',')}}`) as Record<string, JsonValue | undefined>;
  return (slots) => {
    for (let slot = 0; slot < keys.length; slot++) scratch[keys[slot] as string] = slots[slot];
    return JSON.stringify(scratch);
  };
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
