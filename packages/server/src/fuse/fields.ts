/**
 * A payload's fields, as several voices see them: leaves, and arrays, which are values. Where one voice has an object
 * and another a scalar or an array, what they hold there is one field and compared as a value, so that no field leads
 * into another. An object without members is a field only where all have one like it.
 */
import type { JsonObject, JsonValue } from '../json/parse.ts';
import { isObject, own } from './agreement.ts';
import type { Ballot } from './voices.ts';

export interface Field {
  path: string[];
  /** Of the voices that have the field; at least one. */
  ballots: Ballot[];
}

/** Sorted by the names along their paths. */
export function fieldsOf(ballots: readonly Ballot[]): Field[] {
  const fields: Field[] = [];
  descend(ballots, [], fields);
  return fields;
}

/** The payload whose fields, in the order of `fieldsOf`, have these values. */
export function assemble(fields: readonly Field[], values: readonly JsonValue[]): JsonValue {
  let next = 0;
  const build = (depth: number): JsonValue => {
    const { path } = fields[next] as Field;
    if (path.length === depth) return values[next++] as JsonValue;
    const members: [string, JsonValue][] = [];
    for (let field = fields[next]; field !== undefined && inside(field, path, depth); field = fields[next]) {
      members.push([field.path[depth] as string, build(depth + 1)]);
    }
    // Defines members, so that one named __proto__ stays one.
    return Object.fromEntries(members) as JsonObject;
  };
  return build(0);
}

function descend(ballots: readonly Ballot[], path: string[], fields: Field[]): void {
  const names = memberNames(ballots);
  if (names === undefined) {
    fields.push({ path, ballots: [...ballots] });
    return;
  }
  for (const name of names) {
    const below: Ballot[] = [];
    for (const { voice, value } of ballots) {
      const member = own(value as JsonObject, name);
      if (member !== undefined) below.push({ voice, value: member });
    }
    descend(below, [...path, name], fields);
  }
}

/** undefined where the values are not all objects, or have no member among them. */
function memberNames(ballots: readonly Ballot[]): string[] | undefined {
  const names = new Set<string>();
  for (const { value } of ballots) {
    if (!isObject(value)) return undefined;
    for (const name of Object.keys(value)) names.add(name);
  }
  return names.size === 0 ? undefined : [...names].sort();
}

function inside({ path }: Field, prefix: readonly string[], depth: number): boolean {
  for (let i = 0; i < depth; i++) if (path[i] !== prefix[i]) return false;
  return true;
}
