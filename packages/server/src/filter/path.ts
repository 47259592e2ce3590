/** Paths into what watchers and feeds show: into its metadata by their names, everything else into the payload. */
import { isContainer, type JsonObject, type JsonValue } from '../json/parse.ts';
import { MAX_PATH_SEGMENTS, ownValue } from '../json/path.ts';
import { FilterError } from './errors.ts';
import type { Scanner } from './scanner.ts';

/** A message of `/watch` or an item of a feed. */
export type Subject = Readonly<Record<string, unknown>>;

export class Path {
  /** The one spelling: of the payload's members with `normalized.` in front. */
  readonly text: string;
  /** From the subject down; the payload is the subject's member `normalized`. */
  readonly segments: readonly string[];
  readonly ofPayload: boolean;
  readonly read: Reader;

  constructor(segments: readonly string[], read: Reader = readerOf(segments)) {
    this.text = writePath(segments);
    this.segments = segments;
    this.ofPayload = segments[0] === PAYLOAD;
    this.read = read;
  }

  /** What an equality compares: the value, or of an array its items; nothing where there is no value. */
  valuesIn(subject: Subject): readonly JsonValue[] {
    const value = this.read(subject);
    if (value === undefined) return [];
    return Array.isArray(value) ? value : [value];
  }
}

type Reader = (subject: Subject) => JsonValue | undefined;

/** Members of messages and items beside the payload. A payload's member of such a name needs `normalized.` in front. */
export const METADATA: ReadonlySet<string> = new Set([
  ...['type', 'eventId', 'eventIds', 'sourceId', 'sources', 'stream', 'status', 'seq', 'eventTime', 'count'],
  ...['leafIndex', 'packet', 'versionId', 'contentHash', 'createdAt', 'updatedAt', 'reasons', 'erased'],
  ...['decision', 'decisionId', 'conflict', 'key', 'bucket', 'candidates', 'rule', 'tieBreaker', 'winner', 'losers'],
  ...['outcome', 'reason', 'supersedes', 'txid', 'height', 'chain'],
]);

const PAYLOAD = 'normalized';
const KEYWORDS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'exists', 'true', 'false', 'null']);
const WORD = /^[A-Za-z_$@][A-Za-z0-9_$@-]*$/;
const INDEX = /^(?:0|[1-9]\d{0,9})$/;

export function isKeyword(word: string): boolean {
  return KEYWORDS.has(word.toLowerCase());
}

/** @throws FilterError `unexpected`, `bad-path` */
export function scanPath(scanner: Scanner): Path {
  const start = scanner.at;
  const first = scanner.peekWord();
  if (first === undefined || isKeyword(first)) throw scanner.unexpected('a path');
  scanner.at += first.length;
  const segments =
    METADATA.has(first) || first === PAYLOAD ? [first] : first === 'payload' ? [PAYLOAD] : [PAYLOAD, first];
  while (scanner.eat('.')) segments.push(scanSegment(scanner));
  if (segments.length > MAX_PATH_SEGMENTS) {
    throw new FilterError('bad-path', start, `expected a path of at most ${MAX_PATH_SEGMENTS} segments`);
  }
  return new Path(segments);
}

function scanSegment(scanner: Scanner): string {
  const start = scanner.at;
  const quoted = scanner.char === '"' || scanner.char === "'";
  const segment = quoted ? scanner.string() : (scanner.word() ?? scanner.index());
  if (segment === undefined) throw scanner.unexpected('a name, an index or a quoted name after the dot', 'bad-path');
  if (segment === '') throw new FilterError('bad-path', start, 'expected a name that is not empty');
  return segment;
}

export function writePath(segments: readonly string[]): string {
  return segments.map(writeSegment).join('.');
}

function writeSegment(segment: string): string {
  return WORD.test(segment) || INDEX.test(segment) ? segment : JSON.stringify(segment);
}

/** Names of metadata are no names of `Object.prototype`, so the first is read as it is. */
function readerOf([first, ...rest]: readonly string[]): Reader {
  const head = first as string;
  const steps = rest.map(stepInto);
  const [only] = steps;
  if (only === undefined) return (subject) => subject[head] as JsonValue | undefined;
  if (steps.length === 1) return (subject) => only(subject[head] as JsonValue | undefined);
  return (subject) => {
    let value = subject[head] as JsonValue | undefined;
    for (const step of steps) value = step(value);
    return value;
  };
}

/** Parsed objects inherit from Object.prototype alone, so only its names have to be told apart (see json/path.ts). */
function stepInto(segment: string): (value: JsonValue | undefined) => JsonValue | undefined {
  if (segment in Object.prototype || INDEX.test(segment)) {
    return (value) => (isContainer(value) ? ownValue(value, segment) : undefined);
  }
  return (value) => (isContainer(value) && !Array.isArray(value) ? (value as JsonObject)[segment] : undefined);
}

/**
 * `sourceId` in a filter: of what several sources had a say in, all of them, as the parameter `sourceId=` has it.
 */
export const SOURCES = new Path(
  ['sourceId'],
  ({ sources, sourceId }) => (Array.isArray(sources) ? sources : sourceId) as JsonValue | undefined,
);
