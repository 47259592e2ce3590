/** What ARC says of a transaction, read from untrusted JSON. */

export interface ArcStatus {
  txid: string;
  /** One of ARC's words, in capitals. */
  txStatus: string;
  /** BUMP, lower-case hex. */
  merklePath: string | undefined;
  extraInfo: string;
  /** Transactions that spend the same outputs. */
  competing: string[];
}

/** Entries of one callback; ARC sends fewer. */
const MAX_BATCH = 1000;
const MAX_COMPETING = 8;
/** Of ARC's own words in our reasons. */
const MAX_WORDS = 200;
const TXID = /^[0-9a-f]{64}$/;

/** @returns undefined for what is no status */
export function parseStatus(value: unknown): ArcStatus | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { txid, txStatus, merklePath, extraInfo, competingTxs } = value as Record<string, unknown>;
  if (typeof txid !== 'string' || !TXID.test(txid)) return undefined;
  if (typeof txStatus !== 'string' || !/^[A-Z_]{1,40}$/.test(txStatus)) return undefined;
  const path = typeof merklePath === 'string' && merklePath !== '' ? merklePath.toLowerCase() : undefined;
  // Some versions send a list of lists.
  const others = Array.isArray(competingTxs) ? competingTxs.flat() : [];
  return {
    ...{ txid, txStatus, merklePath: path, extraInfo: words(extraInfo) },
    competing: others.filter((other) => typeof other === 'string' && TXID.test(other)).slice(0, MAX_COMPETING),
  };
}

/** A callback's body: one status, or a batch. @returns undefined where any part of it is none */
export function parseCallback(body: unknown): ArcStatus[] | undefined {
  const { callbacks } = (body ?? {}) as { callbacks?: unknown };
  const items = Array.isArray(callbacks) ? callbacks : [body];
  if (items.length > MAX_BATCH) return undefined;
  const statuses = items.map(parseStatus);
  return statuses.every((status) => status !== undefined) ? statuses : undefined;
}

/** Printable, and short. */
export function words(value: unknown): string {
  if (typeof value !== 'string') return '';
  return value
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, MAX_WORDS);
}
