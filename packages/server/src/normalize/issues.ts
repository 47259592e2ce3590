/** The texts that say what a policy holds against an event: `KIND:FIELD…`, as in `contracts/http.md`. */
import { type JsonValue, UnsafeNumber } from '../json/parse.ts';
import { shortened } from '../json/shortened.ts';

/** What an event gets beyond this many issues is not listed. */
export const MAX_ISSUES = 32;
/** Longer values and field names are cut, so that no event can make its reasons large. */
const MAX_SHOWN = 64;
const MAX_FIELD_SHOWN = 512;

type IssueKind =
  | 'required-missing'
  | 'coercion-NaN'
  | 'bounds-min'
  | 'bounds-max'
  | 'enum'
  | 'pattern'
  | 'compare'
  | 'schema'
  | 'number-unsafe'
  | 'time-invalid'
  | 'too-deep';

/** @param detail what follows the field, already shortened */
export function addIssue(issues: string[], kind: IssueKind, field: string, detail?: string): void {
  if (issues.length === MAX_ISSUES) return;
  const named = `${kind}:${shortened(field, MAX_FIELD_SHOWN)}`;
  issues.push(detail === undefined ? named : `${named}:${detail}`);
}

/** A value as an issue shows it: at most `MAX_SHOWN` characters and an ellipsis. */
export function shown(value: JsonValue): string {
  if (typeof value === 'string') return shortened(value, MAX_SHOWN);
  if (value instanceof UnsafeNumber) return shortened(value.source, MAX_SHOWN);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '[array]' : '[object]';
  return String(value);
}
