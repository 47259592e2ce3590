/**
 * Whether a value is the same JSON as `own`, which is a plain JSON value of ours; the order of members is not looked at.
 * False in doubt: for class instances, undefined members and whatever else is no JSON. `own` has no key `__proto__`.
 */
export function sameJson(value: unknown, own: unknown): boolean {
  if (value === own) return true;
  if (typeof value !== 'object' || typeof own !== 'object' || value === null || own === null) return false;
  if (Array.isArray(own)) return Array.isArray(value) && sameArray(value, own);
  return !Array.isArray(value) && sameObject(value as JsonMembers, own as JsonMembers);
}

type JsonMembers = Record<string, unknown>;

function sameArray(value: unknown[], own: unknown[]): boolean {
  if (value.length !== own.length) return false;
  for (let i = 0; i < own.length; i++) if (!sameJson(value[i], own[i])) return false;
  return true;
}

function sameObject(value: JsonMembers, own: JsonMembers): boolean {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const keys = Object.keys(own);
  if (Object.keys(value).length !== keys.length) return false;
  // A member that is not the value's own reads as undefined or as a function, and so is not the same.
  for (const key of keys) if (!sameJson(value[key], own[key])) return false;
  return true;
}
