/** Ajv's errors as issues, `schema:PATH:KEYWORD WHAT`. */
import type { ErrorObject } from 'ajv/dist/2020.js';
import { formatPath } from '../../json/path.ts';
import { addIssue, shown } from '../issues.ts';

/** Parameters of Ajv's errors that say what was asked for, or what was there and should not be. */
const TELLING = ['type', 'limit', 'multipleOf', 'pattern', 'missingProperty', 'additionalProperty', 'propertyName'];

interface Violation {
  depth: number;
  path: string;
  detail: string;
}

/** Each once: the outermost first, which sum up those below them, and sorted. */
export function reportErrors(errors: readonly ErrorObject[], issues: string[]): void {
  const all = new Map<string, Violation>();
  for (const error of errors) {
    const segments = segmentsOf(error.instancePath);
    const violation = { depth: segments.length, path: formatPath(segments), detail: detailOf(error) };
    all.set(`${violation.path}:${violation.detail}`, violation);
  }
  for (const { path, detail } of [...all.values()].sort(outermostFirst)) addIssue(issues, 'schema', path, detail);
}

function outermostFirst(a: Violation, b: Violation): number {
  if (a.depth !== b.depth) return a.depth - b.depth;
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.detail < b.detail ? -1 : 1;
}

function detailOf({ keyword, params }: ErrorObject): string {
  const name = TELLING.find((parameter) => parameter in params);
  return name === undefined ? keyword : `${keyword} ${shown(String(params[name]))}`;
}

/** `.name`, `["odd name"]` from the schema; `[0]`, `['name']` from the event, where nothing is escaped. */
const SEGMENT = /\.([^.[]+)|\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\['([\s\S]*?)'\](?=[.[]|$)/y;

function segmentsOf(path: string): string[] {
  const segments: string[] = [];
  SEGMENT.lastIndex = 0;
  for (let match = SEGMENT.exec(path); match !== null; match = SEGMENT.exec(path)) {
    const [, plain, quoted, index, raw] = match;
    segments.push(quoted === undefined ? (plain ?? index ?? raw ?? '') : (JSON.parse(`"${quoted}"`) as string));
  }
  return segments;
}
