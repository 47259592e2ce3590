/** Fields that may not fall from one event of a source to the next, such as meter readings and counters. */
import { canonicalize, sha256, toHex, utf8 } from '@tidemark/proof';
import type { JsonObject, JsonValue } from '../json/parse.ts';
import { compilePath, type PathGetter } from '../json/path.ts';
import { parseRfc3339 } from '../json/time.ts';
import { shown, shownField } from './text.ts';

/** Payload paths, both. */
export interface MonotonicRules {
  monotonicFields?: readonly string[];
  /** Fields whose values tell apart what is counted; without them, each source is one count. */
  monotonicKey?: readonly string[];
}

/** Keys that are remembered of each source; beyond, the one that was updated least recently is forgotten. */
export const MAX_MONOTONIC_KEYS = 100_000;
/** Issues of one event. */
const MAX_ISSUES = 32;
/** Longer keys are remembered by their hash. */
const MAX_KEY_LENGTH = 128;
/** Text is compared by so many characters, so that what is remembered is bounded. */
const MAX_TEXT_COMPARED = 256;

type Floor = number | string;

/** Source → keys, the least recently updated first, each with the values that its fields have reached. */
export type MonotonicState = Record<string, [key: string, floors: [field: string, floor: Floor][]][]>;

interface Compiled {
  fields: [field: string, get: PathGetter][];
  key: [field: string, get: PathGetter][];
}

export class Monotonic {
  readonly #sources = new Map<string, Map<string, Map<string, Floor>>>();
  readonly #compiled = new WeakMap<MonotonicRules, Compiled>();
  readonly #maxKeys: number;

  constructor(state: MonotonicState = {}, maxKeys: number = MAX_MONOTONIC_KEYS) {
    this.#maxKeys = maxKeys;
    for (const [source, keys] of Object.entries(state)) {
      this.#sources.set(source, new Map(keys.map(([key, floors]) => [key, new Map(floors)])));
    }
  }

  /**
   * Checks an event, and remembers its values if none has fallen, or if it is accepted all the same. Numbers are compared as numbers, RFC 3339 times by
   * the instant, other text by its UTF-16 code units; a value of another type than the one before, or of any other
   * type, is neither checked nor remembered: `coerce` says what type a field must have.
   * @param rules the same object for as long as the policy is the same; its paths must be valid
   * @param accepted whatever the issues: then the next is to be no lower than this one, as when a counter starts anew
   * @returns issues `monotonic:FIELD:V<PREV`
   */
  check(source: string, rules: MonotonicRules | undefined, payload: JsonObject, accepted = false): string[] {
    if (rules?.monotonicFields === undefined || rules.monotonicFields.length === 0) return [];
    const { fields, key } = this.#compile(rules);
    const name = keyOf(key, payload);
    const keys = this.#keysOf(source);
    const floors = keys.get(name);
    const issues: string[] = [];
    const reached: [string, Floor][] = [];
    for (const [field, get] of fields) {
      const value = comparable(get(payload));
      if (value === undefined) continue;
      const floor = floors?.get(field);
      if (floor !== undefined && typeof floor !== typeof value) continue;
      const falls = floor !== undefined && isBelow(value, floor);
      if (!falls || accepted) reached.push([field, value]);
      if (falls && issues.length < MAX_ISSUES)
        issues.push(`monotonic:${shownField(field)}:${shown(value)}<${shown(floor)}`);
    }
    if ((issues.length === 0 || accepted) && reached.length > 0)
      this.#remember(keys, name, floors ?? new Map(), reached);
    return issues;
  }

  /** Keys that are remembered, over all sources. */
  get size(): number {
    let size = 0;
    for (const keys of this.#sources.values()) size += keys.size;
    return size;
  }

  /** Plain JSON, from which the constructor makes the same again. */
  state(): MonotonicState {
    return Object.fromEntries(
      [...this.#sources].map(([source, keys]) => [source, [...keys].map(([key, floors]) => [key, [...floors]])]),
    );
  }

  #remember(
    keys: Map<string, Map<string, Floor>>,
    name: string,
    floors: Map<string, Floor>,
    reached: [string, Floor][],
  ): void {
    for (const [field, value] of reached) floors.set(field, value);
    // A Map keeps the order in which keys were set, so this one is now the last to be forgotten.
    keys.delete(name);
    keys.set(name, floors);
    if (keys.size <= this.#maxKeys) return;
    for (const oldest of keys.keys()) {
      keys.delete(oldest);
      break;
    }
  }

  #keysOf(source: string): Map<string, Map<string, Floor>> {
    const keys = this.#sources.get(source) ?? new Map<string, Map<string, Floor>>();
    this.#sources.set(source, keys);
    return keys;
  }

  #compile(rules: MonotonicRules): Compiled {
    const known = this.#compiled.get(rules);
    if (known !== undefined) return known;
    const getters = (paths: readonly string[] = []) =>
      [...new Set(paths)].map((path): [string, PathGetter] => [path, compilePath(path)]);
    const compiled = { fields: getters(rules.monotonicFields), key: getters(rules.monotonicKey) };
    this.#compiled.set(rules, compiled);
    return compiled;
  }
}

/** With the names of the fields, so that the keys of another policy are other keys. A missing value counts as null. */
function keyOf(key: Compiled['key'], payload: JsonObject): string {
  if (key.length === 0) return '';
  const text = canonicalize(Object.fromEntries(key.map(([field, get]) => [field, get(payload) ?? null])));
  return text.length <= MAX_KEY_LENGTH ? text : toHex(sha256(utf8(text)));
}

function comparable(value: JsonValue | undefined): Floor | undefined {
  if (typeof value === 'string') return value.length <= MAX_TEXT_COMPARED ? value : cut(value);
  return typeof value === 'number' ? value : undefined;
}

/** With the whole of a surrogate pair at its end, since half of one has no place in JSON that is stored. */
function cut(text: string): string {
  const start = text.slice(0, MAX_TEXT_COMPARED);
  return start.isWellFormed() ? start : text.slice(0, MAX_TEXT_COMPARED + 1);
}

function isBelow(value: Floor, floor: Floor): boolean {
  if (typeof value === 'string' && typeof floor === 'string') {
    const [time, floorTime] = [parseRfc3339(value), parseRfc3339(floor)];
    if (time !== undefined && floorTime !== undefined) return time < floorTime;
  }
  return value < floor;
}
