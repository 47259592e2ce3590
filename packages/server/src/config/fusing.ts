/** How a stream orders and fuses what its sources send: the members `fusion`, `order` and `publish.windowMs`. */
import { checkFusionSources, type FusionPolicy, parseFusionPolicy } from '../fuse/policy.ts';
import { PolicyError } from '../policy/policy-error.ts';
import { ORDER_DEFAULTS, type OrderPolicy, type Stream } from '../stream.ts';
import { choice, integer, type Json, onlyMembers } from './members.ts';
import { invalid } from './settings.ts';

const MAX_BUFFER_MS = 86_400_000;
const LATE = ['next', 'correct', 'quarantine'] as const;

/** What a stream's declaration says of order, before it is known whether the stream needs any. */
export type DeclaredOrder = Partial<OrderPolicy>;

export function parseFusion(value: unknown, where: string): FusionPolicy {
  try {
    return parseFusionPolicy(value);
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause;
    throw invalid(where, cause.message, cause);
  }
}

export function parseOrder(item: Json, where: string): DeclaredOrder {
  onlyMembers(item, where, ['bufferMs', 'idleMs', 'futureMs', 'late'], []);
  const order: DeclaredOrder = {};
  if (item.bufferMs !== undefined) order.bufferMs = integer(item.bufferMs, `${where}.bufferMs`, 0, MAX_BUFFER_MS);
  if (item.idleMs !== undefined) order.idleMs = integer(item.idleMs, `${where}.idleMs`, 10, MAX_BUFFER_MS);
  if (item.futureMs !== undefined) order.futureMs = integer(item.futureMs, `${where}.futureMs`, 0, MAX_BUFFER_MS);
  if (item.late !== undefined) order.late = choice(item.late, LATE, `${where}.late`);
  return order;
}

/** The stream with everything that its order needs, once its sources are known. */
export function settleOrder(
  stream: Stream,
  declared: DeclaredOrder | undefined,
  sources: readonly string[],
  bufferMs: number,
  where: string,
): Stream {
  const { fusion, publish } = stream;
  if (fusion === undefined && publish.windowMs === undefined) {
    if (declared === undefined) return stream;
    throw invalid(`${where}.order`, 'has no effect on a stream that neither fuses nor has publish.windowMs; remove it');
  }
  if (fusion !== undefined) checkSources(fusion, sources, where);
  if (fusion !== undefined && declared?.late === 'next') {
    throw invalid(`${where}.order.late`, 'is "correct" or "quarantine" on a stream that fuses its sources');
  }
  const late = fusion === undefined ? 'next' : 'correct';
  return { ...stream, order: { ...ORDER_DEFAULTS, bufferMs, late, ...declared } };
}

function checkSources(fusion: FusionPolicy, sources: readonly string[], where: string): void {
  try {
    checkFusionSources(fusion, sources);
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause;
    throw invalid(`${where}.fusion`, cause.message, cause);
  }
}
