/** What a rollup says of the packets that it covers, from the contents of these packets alone. */
import { canonicalize, type Leaf } from '@tidemark/proof';
import type { JsonObject, JsonValue } from '../json/parse.ts';
import { compilePath, type PathGetter } from '../json/path.ts';
import { linesOf } from '../store/content-lines.ts';
import type { DueRollup } from '../store/rollups.ts';
import type { RollupPolicy } from '../stream.ts';
import { Numbers, type NumbersSummary } from './numbers.ts';
import { Succession } from './succession.ts';

export interface Aggregates {
  records: number;
  fused: number;
  quarantined: number;
  /** Leaves of other rollups that have been replaced in this one. */
  revisions: number;
  /** By path. */
  fields: Record<string, NumbersSummary>;
}

/** What is added up beside counts. */
export type Tallied = Pick<RollupPolicy, 'fields' | 'quantiles'>;
/** Of a batch, counts alone. */
export const COUNTS: Tallied = { fields: [], quantiles: [] };
/** Numbers kept for quantiles, of all fields together, 8 bytes each; with more, a rollup has no quantiles. */
export const MAX_KEPT_NUMBERS = 10_000_000;
/** Read between two pauses: a few milliseconds' work. */
const PAUSE_BYTES = 256 * 1024;
const SUPERSEDES = Buffer.from('"supersedes":');
const OPEN = '{"leaf":';
/** These cannot stand within a text in a leaf: there, the quotes would be escaped. */
const BETWEEN = '},"payload":';
const KIND = '"kind":"';
const CLOSE = '}\n';

/**
 * Yields now and then, so that whoever drives it can do something else.
 * @param paths of the packets' contents, in log order; each is read twice
 */
export function* aggregate(
  paths: readonly string[],
  policy: Tallied,
  maxKept = MAX_KEPT_NUMBERS,
): Generator<undefined, Aggregates> {
  const succession = new Succession();
  for (const line of linesAndPauses(paths)) {
    if (line === undefined) yield;
    else if (line.includes(SUPERSEDES)) succession.note(leafOf(split(line.toString()).leaf));
  }
  const tally = new Tally(policy, maxKept);
  for (const line of linesAndPauses(paths)) {
    if (line === undefined) yield;
    else {
      const { leaf, payload } = split(line.toString());
      // To parse the leaf is most of the work, and for most rollups without need.
      if (succession.isEmpty || succession.counts(leafOf(leaf))) tally.add(kindOf(leaf), payload);
    }
  }
  return tally.aggregates(succession.revisions);
}

/** The content of a rollup: RFC 8785 text. */
export function rollupContent(
  { stream, start, end, window, batch }: Omit<DueRollup, 'config'>,
  packets: number,
  aggregates: Aggregates,
): string {
  const bounds = { start: new Date(window.start).toISOString(), end: new Date(window.end).toISOString() };
  const covered = {
    stream,
    window: bounds,
    leaves: { start, end },
    packets,
    ...(batch === undefined ? {} : { batch }),
  };
  return canonicalize({ v: 1, kind: 'rollup', ...covered, ...aggregates });
}

class Tally {
  readonly #quantiles: readonly number[];
  readonly #fields: { path: string; get: PathGetter; numbers: Numbers }[];
  readonly #counts = new Map<string, number>();
  /** How many more numbers may be kept. */
  #room: number;

  constructor({ fields, quantiles }: Tallied, maxKept: number) {
    this.#quantiles = quantiles;
    this.#fields = fields.map((path) => ({ path, get: compilePath(path), numbers: new Numbers() }));
    this.#room = maxKept;
  }

  /** @param payload RFC 8785 text */
  add(kind: string, payload: string | undefined): void {
    this.#counts.set(kind, this.#of(kind) + 1);
    if (payload === undefined || this.#fields.length === 0) return;
    const values = JSON.parse(payload) as JsonValue;
    // That of a fused record is null where nothing was decided.
    if (typeof values !== 'object' || values === null) return;
    for (const { get, numbers } of this.#fields) {
      const value = get(values as JsonObject);
      if (typeof value !== 'number') continue;
      if (this.#room-- === 0) for (const field of this.#fields) field.numbers.forget();
      numbers.add(value);
    }
  }

  aggregates(revisions: number): Aggregates {
    const fields = this.#fields.map(({ path, numbers }) => [path, numbers.summary(this.#quantiles)]);
    return {
      records: this.#of('record'),
      fused: this.#of('fused'),
      quarantined: this.#of('quarantined'),
      revisions,
      fields: Object.fromEntries(fields),
    };
  }

  #of(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }
}

/** @param line as it is in a packet's content */
function split(line: string): { leaf: string; payload: string | undefined } {
  const between = line.indexOf(BETWEEN);
  if (between === -1) return { leaf: line.slice(OPEN.length, -CLOSE.length), payload: undefined };
  return {
    leaf: line.slice(OPEN.length, between + 1),
    payload: line.slice(between + BETWEEN.length, -CLOSE.length),
  };
}

function leafOf(text: string): Leaf {
  return JSON.parse(text) as Leaf;
}

function kindOf(leaf: string): string {
  const at = leaf.indexOf(KIND) + KIND.length;
  return leaf.slice(at, leaf.indexOf('"', at));
}

/** undefined for a pause. */
function* linesAndPauses(paths: readonly string[]): Generator<Buffer | undefined> {
  let read = 0;
  for (const path of paths) {
    for (const { bytes } of linesOf(path)) {
      yield bytes;
      read += bytes.length;
      if (read < PAUSE_BYTES) continue;
      read = 0;
      yield undefined;
    }
  }
}
