/** The part of each message or item that a reader wants. */
import { isContainer, type JsonObject, type JsonValue } from '../json/parse.ts';
import { ownValue } from '../json/path.ts';
import { MAX_FIELDS } from './limits.ts';
import { type Subject, writePath } from './path.ts';
import { parsePaths } from './path-list.ts';

/** What is kept of a value: all of it, or of its members those named. */
type Kept = true | Map<string, Kept>;

export class Fields {
  /** The one spelling of all lists that keep the same. */
  readonly canonical: string;
  readonly #kept = new Map<string, Kept>();

  private constructor(paths: readonly (readonly string[])[]) {
    for (const segments of paths) keep(this.#kept, segments);
    this.canonical = [...leaves(this.#kept, [])].map(writePath).sort().join(',');
  }

  /** @throws FilterError */
  static parse(text: string): Fields {
    return new Fields(parsePaths(text, MAX_FIELDS).map(({ segments }) => segments));
  }

  /**
   * A path of the list reads the same from the result as from the object, and so do the members `always`, which come
   * first. Items of an array stay where they are, with null for those before them that are not kept.
   */
  project(object: Subject, always: readonly string[]): JsonObject {
    const kept = new Map<string, Kept>(always.map((name) => [name, true]));
    for (const [name, part] of this.#kept) if (!kept.has(name)) kept.set(name, part);
    return projectObject(object as JsonObject, kept);
  }
}

function keep(kept: Map<string, Kept>, [segment, ...rest]: readonly string[]): void {
  const name = segment as string;
  const there = kept.get(name);
  if (there === true) return;
  if (rest.length === 0) {
    kept.set(name, true);
    return;
  }
  const branch = there ?? new Map<string, Kept>();
  kept.set(name, branch);
  keep(branch, rest);
}

function* leaves(kept: Map<string, Kept>, above: readonly string[]): Generator<readonly string[]> {
  for (const [name, part] of kept) {
    if (part === true) yield [...above, name];
    else yield* leaves(part, [...above, name]);
  }
}

/** Undefined where nothing of the value is kept. */
function project(value: JsonValue | undefined, kept: Kept): JsonValue | undefined {
  if (kept === true) return value;
  if (!isContainer(value)) return undefined;
  const part = Array.isArray(value) ? projectArray(value, kept) : projectObject(value, kept);
  return Object.keys(part).length === 0 ? undefined : part;
}

function projectObject(object: JsonObject, kept: Map<string, Kept>): JsonObject {
  const members: [string, JsonValue][] = [];
  for (const [name, inner] of kept) {
    const part = project(ownValue(object, name), inner);
    if (part !== undefined) members.push([name, part]);
  }
  // Object.fromEntries defines members, so that one named __proto__ stays one.
  return Object.fromEntries(members);
}

function projectArray(array: JsonValue[], kept: Map<string, Kept>): JsonValue[] {
  const items: JsonValue[] = [];
  for (const [index, inner] of kept) {
    const part = project(ownValue(array, index), inner);
    if (part === undefined) continue;
    while (items.length <= Number(index)) items.push(null);
    items[Number(index)] = part;
  }
  return items;
}
