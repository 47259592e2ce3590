/** How a stream rolls up its packets: the member `rollup`. */
import { PathError, parsePath } from '../json/path.ts';
import type { PublishPolicy, RollupPolicy } from '../stream.ts';
import { integer, type Json, number, onlyMembers } from './members.ts';
import { invalid } from './settings.ts';

/** A year, as for windows: times beyond the year 9999 cannot be written down. */
const MAX_WINDOW_MS = 366 * 86_400_000;
/** A rollup names each of its packets. */
const MAX_WINDOWS = 10_000;
const MAX_FIELDS = 64;
const MAX_QUANTILES = 16;
/** So that a rank among the numbers can be had without rounding. */
const MAX_DECIMALS = 6;

export function parseRollup(item: Json, where: string, { windowMs }: PublishPolicy): RollupPolicy {
  onlyMembers(item, where, ['windowMs', 'fields', 'quantiles'], []);
  if (windowMs === undefined)
    throw invalid(where, 'needs publish.windowMs: windows in event time are what is rolled up');
  const longest = Math.min(MAX_WINDOW_MS, MAX_WINDOWS * windowMs);
  const rollupMs = integer(item.windowMs, `${where}.windowMs`, windowMs, longest);
  if (rollupMs % windowMs !== 0)
    throw invalid(`${where}.windowMs`, `must be a multiple of publish.windowMs, ${windowMs}`);
  const fields = parseFields(item.fields ?? [], `${where}.fields`);
  if (item.quantiles !== undefined && fields.length === 0) {
    throw invalid(`${where}.quantiles`, 'has no effect without fields; remove it, or name them');
  }
  return { windowMs: rollupMs, fields, quantiles: parseQuantiles(item.quantiles ?? [0.5], `${where}.quantiles`) };
}

function parseFields(value: unknown, where: string): string[] {
  return distinct(value, where, MAX_FIELDS).map((path, index) => {
    if (typeof path !== 'string') throw invalid(`${where}[${index}]`, 'must be a path, as text');
    try {
      parsePath(path);
    } catch (cause) {
      if (cause instanceof PathError) throw invalid(`${where}[${index}]`, cause.message, cause);
      throw cause;
    }
    return path;
  });
}

function parseQuantiles(value: unknown, where: string): number[] {
  return distinct(value, where, MAX_QUANTILES).map((item, index) => {
    const quantile = number(item, `${where}[${index}]`, 0, 1);
    if (Number(quantile.toFixed(MAX_DECIMALS)) === quantile) return quantile;
    throw invalid(`${where}[${index}]`, `has more than ${MAX_DECIMALS} decimals`);
  });
}

function distinct(value: unknown, where: string, most: number): unknown[] {
  if (!Array.isArray(value) || value.length > most) throw invalid(where, `must be a list of at most ${most}`);
  const twice = value.find((item, index) => value.indexOf(item) !== index);
  if (twice !== undefined) throw invalid(where, `has ${JSON.stringify(twice)} twice`);
  return value;
}
