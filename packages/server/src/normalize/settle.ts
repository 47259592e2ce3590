/** Makes values fit for RFC 8785: without numbers that no double holds, and no deeper than JSON may be here. */
import { hasUnsafe } from '../json/canonical.ts';
import { isContainer, type JsonObject, type JsonValue, UnsafeNumber } from '../json/parse.ts';
import { formatPath } from '../json/path.ts';
import { addIssue } from './issues.ts';

/**
 * Each unsafe number becomes an issue, and the text of it takes its place.
 * @param path of the value in the payload
 */
export function withoutUnsafe(value: JsonValue, path: readonly string[], issues: string[]): JsonValue {
  return hasUnsafe(value) ? replaced(value, [...path], issues) : value;
}

function replaced(value: JsonValue, path: string[], issues: string[]): JsonValue {
  if (value instanceof UnsafeNumber) {
    addIssue(issues, 'number-unsafe', formatPath(path));
    return value.source;
  }
  if (!isContainer(value)) return value;
  const below = (key: string, member: JsonValue) => {
    path.push(key);
    const result = replaced(member, path, issues);
    path.pop();
    return result;
  };
  if (Array.isArray(value)) return value.map((item, index) => below(String(index), item));
  // Sorted, since the order of members in the raw text must not change the reasons. Object.fromEntries defines
  // members, so that one named __proto__ stays one.
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, below(key, value[key] as JsonValue)])) as JsonObject;
}

/** Whether a value has at most `levels` levels of arrays and objects. */
export function fits(value: JsonValue | undefined, levels: number): boolean {
  if (!isContainer(value)) return true;
  if (levels === 0) return false;
  const members = Array.isArray(value) ? value : Object.values(value);
  return members.every((member) => fits(member, levels - 1));
}
