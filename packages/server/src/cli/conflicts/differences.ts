/** Where payloads differ, field by field. */
import { equal, isObject, own } from '../../fuse/agreement.ts';
import type { JsonObject, JsonValue } from '../../json/parse.ts';

export interface Difference {
  /** Path of the field; empty for the payload as a whole. */
  path: string[];
  /** In the order of the payloads; undefined where one has no such field. */
  values: (JsonValue | undefined)[];
}

/** Sorted by the names along their paths. */
export function differences(payloads: readonly (JsonValue | undefined)[], path: string[] = []): Difference[] {
  const [first] = payloads;
  if (payloads.every((value) => value !== undefined && first !== undefined && equal(value, first))) return [];
  if (!payloads.every((value) => value !== undefined && isObject(value))) return [{ path, values: [...payloads] }];
  const objects = payloads as readonly JsonObject[];
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))].sort();
  return names.flatMap((name) =>
    differences(
      objects.map((object) => own(object, name)),
      [...path, name],
    ),
  );
}
