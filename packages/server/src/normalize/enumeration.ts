import { canonicalText } from '../json/canonical.ts';
import { isContainer, type JsonValue } from '../json/parse.ts';

/** Whether a value is among these: of the same type, and the same. Costs the same for one and for ten thousand. */
export type Enumeration = (value: JsonValue) => boolean;

/** @param written is told how many characters had to be written to compare an object or array */
export function compileEnumeration(values: readonly JsonValue[], written?: (length: number) => void): Enumeration {
  const scalars = new Set(values.filter((value) => !isContainer(value)));
  const containers = new Set(values.filter(isContainer).map(canonicalText));
  return (value) => {
    if (!isContainer(value)) return scalars.has(value);
    if (containers.size === 0) return false;
    const text = canonicalText(value);
    written?.(text.length);
    return containers.has(text);
  };
}
