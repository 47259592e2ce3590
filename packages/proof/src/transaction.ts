import { reversed, toHex } from './bytes.ts';
import { Reader } from './reader.ts';
import { sha256d } from './sha256.ts';

export interface TransactionInput {
  /** The spent output: transaction id as shown, and index. */
  txid: string;
  vout: number;
  script: Uint8Array;
  sequence: number;
}

export interface TransactionOutput {
  satoshis: bigint;
  script: Uint8Array;
}

export interface Transaction {
  version: number;
  inputs: TransactionInput[];
  outputs: TransactionOutput[];
  lockTime: number;
}

/** The id as shown: SHA-256d of the raw bytes, reversed, hex. */
export function transactionId(raw: Uint8Array): string {
  return toHex(reversed(sha256d(raw)));
}

/** A transaction in the original wire format (no witness data), to the last byte. Throws `invalid-transaction`. */
export function parseTransaction(raw: Uint8Array): Transaction {
  const reader = new Reader(raw, 'invalid-transaction');
  const transaction = readTransaction(reader);
  reader.end();
  return transaction;
}

/** The transaction that starts where the reader stands, as in formats that hold several. */
export function readTransaction(reader: Reader): Transaction {
  return {
    version: reader.uint32(),
    inputs: reader.list(readInput, 1),
    outputs: reader.list(readOutput, 1),
    lockTime: reader.uint32(),
  };
}

function readInput(reader: Reader): TransactionInput {
  return {
    txid: toHex(reversed(reader.bytes(32))),
    vout: reader.uint32(),
    script: reader.bytes(reader.count()),
    sequence: reader.uint32(),
  };
}

function readOutput(reader: Reader): TransactionOutput {
  return { satoshis: reader.uint64(), script: reader.bytes(reader.count()) };
}
