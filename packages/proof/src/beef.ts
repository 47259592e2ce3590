import { type Bump, bumpBytes, readBump } from './bump.ts';
import { concat, fromHex, isHex, reversed, toHex } from './bytes.ts';
import { ProofError } from './errors.ts';
import { countBytes, listBytes, Reader } from './reader.ts';
import { parseTransaction, readTransaction, transactionId } from './transaction.ts';

export interface BeefTransaction {
  txid: string;
  /** Absent where the parties know the transaction and its txid alone is sent (version 2). */
  raw?: Uint8Array;
  /** Which of the BUMPs holds its path; absent where its inputs lead to transactions before it instead. */
  bumpIndex?: number;
}

/** BEEF (BRC-62, version 2: BRC-96): transactions with what proves them, parents before children. */
export interface Beef {
  version: 1 | 2;
  bumps: Bump[];
  transactions: BeefTransaction[];
  /** Atomic BEEF (BRC-95): the one transaction that all others are ancestors of. */
  subject?: string;
}

export const MAX_BEEF_BYTES = 4 * 1024 * 1024;
const ATOMIC = 0x01010101;
// Uint32LE, so that the bytes read 0100beef and 0200beef.
const VERSIONS = { 1: 0xefbe0001, 2: 0xefbe0002 };
const FORMAT = { raw: 0, rawWithBump: 1, txid: 2 };

/**
 * Reads a BEEF, binary or hex: every transaction has its path in the BUMP that it names, or comes after all that it
 * spends from, or is a txid alone; of an Atomic BEEF each is the subject or its ancestor. Scripts and amounts are not
 * looked at, nor whether a root is a block's. Throws `invalid-beef`, `invalid-bump` or `invalid-transaction`.
 */
export function parseBeef(input: Uint8Array | string): Beef {
  if (typeof input === 'string' && !isHex(input)) fail('not lower-case hex');
  const raw = typeof input === 'string' ? fromHex(input) : input;
  if (raw.length > MAX_BEEF_BYTES) fail(`longer than ${MAX_BEEF_BYTES} bytes`);
  const reader = new Reader(raw, 'invalid-beef');
  let marker = reader.uint32();
  const subject = marker === ATOMIC ? toHex(reversed(reader.bytes(32))) : undefined;
  if (subject !== undefined) marker = reader.uint32();
  const version = marker === VERSIONS[1] ? 1 : 2;
  if (marker !== VERSIONS[version]) fail('neither version 1 nor 2');
  const bumps = reader.list(readBump);
  const transactions = reader.list(version === 1 ? readVersion1 : readVersion2);
  reader.end();
  const beef = { version, bumps, transactions, ...(subject !== undefined && { subject }) } as const;
  check(beef);
  return beef;
}

function readVersion1(reader: Reader): BeefTransaction {
  const transaction = readRaw(reader);
  const flag = reader.uint8();
  if (flag > 1) reader.fail('a transaction has a BUMP or has none');
  return flag === 1 ? { ...transaction, bumpIndex: reader.count() } : transaction;
}

function readVersion2(reader: Reader): BeefTransaction {
  const format = reader.uint8();
  if (format === FORMAT.txid) return { txid: toHex(reversed(reader.bytes(32))) };
  if (format > FORMAT.txid) reader.fail('a transaction of unknown format');
  const bumpIndex = format === FORMAT.rawWithBump ? reader.count() : undefined;
  return { ...readRaw(reader), ...(bumpIndex !== undefined && { bumpIndex }) };
}

function readRaw(reader: Reader): { txid: string; raw: Uint8Array } {
  const start = reader.at;
  readTransaction(reader);
  const raw = reader.since(start);
  return { txid: transactionId(raw), raw };
}

/** The binary form. Throws as `parseBeef` does for what it would refuse. */
export function beefBytes({ version, bumps, transactions, subject }: Beef): Uint8Array {
  const write = version === 1 ? version1Bytes : version2Bytes;
  const prefix = subject === undefined ? [] : [uint32(ATOMIC), reversed(fromHex(subject))];
  const body = [uint32(VERSIONS[version]), listBytes(bumps.map(bumpBytes)), listBytes(transactions.map(write))];
  const bytes = concat(...prefix, ...body);
  parseBeef(bytes);
  return bytes;
}

function version1Bytes({ raw, bumpIndex }: BeefTransaction): Uint8Array {
  if (raw === undefined) return fail('a txid alone takes version 2');
  return concat(raw, bumpIndex === undefined ? Uint8Array.of(0) : concat(Uint8Array.of(1), countBytes(bumpIndex)));
}

function version2Bytes({ txid, raw, bumpIndex }: BeefTransaction): Uint8Array {
  if (raw === undefined) return concat(Uint8Array.of(FORMAT.txid), reversed(fromHex(txid)));
  if (bumpIndex === undefined) return concat(Uint8Array.of(FORMAT.raw), raw);
  return concat(Uint8Array.of(FORMAT.rawWithBump), countBytes(bumpIndex), raw);
}

function check({ bumps, transactions, subject }: Beef): void {
  const leaves = bumps.map(({ path }) => new Set(path[0]?.map(({ hash }) => hash)));
  const before = new Map<string, string[]>();
  for (const { txid, raw, bumpIndex } of transactions) {
    if (before.has(txid)) fail(`${txid} twice`);
    const parents = raw === undefined ? [] : parseTransaction(raw).inputs.map((input) => input.txid);
    if (bumpIndex !== undefined) {
      if (leaves[bumpIndex]?.has(txid) !== true) fail(`the BUMP of ${txid} is not there or not of it`);
    } else if (!parents.every((parent) => before.has(parent))) {
      fail(`${txid} has no BUMP and spends from what does not come before it`);
    }
    before.set(txid, parents);
  }
  if (subject !== undefined) checkAtomic(subject, before);
}

/** Every transaction is the subject or leads to it. */
function checkAtomic(subject: string, parents: ReadonlyMap<string, string[]>): void {
  if (!parents.has(subject)) fail('the subject is not there');
  const related = new Set([subject]);
  // A set goes through what is added to it on the way.
  for (const txid of related)
    for (const parent of parents.get(txid) ?? []) if (parents.has(parent)) related.add(parent);
  if (related.size < parents.size) fail('a transaction is no ancestor of the subject');
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function fail(detail: string): never {
  throw new ProofError('invalid-beef', `beef: ${detail}`);
}
