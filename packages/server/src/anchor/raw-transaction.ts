/** Transactions that spend outputs of one key, signed with the node's native signer, in both forms that ARC takes. */
import { concat, fromHex, parseTransaction, reversed } from '@tidemark/proof';
import type { IdentityKey } from '../keys.ts';
import type { Coin } from '../store/coins.ts';
import { keyHash } from './address.ts';
import { doubleHash } from './mining.ts';

export interface Output {
  satoshis: number;
  script: Uint8Array;
}

/** Of an input: outpoint 36, script length 1, signature up to 73, public key 34, sequence 4. */
export const MAX_INPUT_BYTES = 148;
const VERSION = uint32(1);
const LOCK_TIME = uint32(0);
const FINAL = uint32(0xffff_ffff);
const [OP_DUP, OP_HASH160, OP_EQUALVERIFY, OP_CHECKSIG] = [0x76, 0xa9, 0x88, 0xac];
/** SIGHASH_ALL with FORKID. */
const SIGHASH = 0x41;
/** BIP-239: where a transaction has its number of inputs, this says that it is extended. */
const EXTENDED = fromHex('0000000000ef');

/** P2PKH. @param publicKey compressed, hex */
export function paymentScript(publicKey: string): Uint8Array {
  return concat(Uint8Array.of(OP_DUP, OP_HASH160, 20), keyHash(publicKey), Uint8Array.of(OP_EQUALVERIFY, OP_CHECKSIG));
}

/** The first transaction of a block. Its height makes it distinct, as BIP 34 has it. */
export function coinbase(height: number, output: Output): Uint8Array {
  const nothing = concat(new Uint8Array(32), FINAL);
  const script = pushed(uint32(height));
  const input = concat(nothing, lengthBytes(script.length), script, FINAL);
  return concat(VERSION, lengthBytes(1), input, lengthBytes(1), outputBytes(output), LOCK_TIME);
}

/** @param coins outputs that pay to the key */
export function signedTransaction(coins: readonly Coin[], outputs: readonly Output[], key: IdentityKey): Uint8Array {
  const script = paymentScript(key.publicKey);
  const body = concat(...outputs.map(outputBytes));
  const outpoints = coins.map(outpointBytes);
  const shared = {
    outpoints: doubleHash(concat(...outpoints)),
    sequences: doubleHash(concat(...coins.map(() => FINAL))),
    outputs: doubleHash(body),
  };
  const inputs = coins.map(({ satoshis }, index) => {
    const outpoint = outpoints[index] ?? new Uint8Array();
    // BIP-143, which replay-protected signatures took over.
    const spent = concat(outpoint, lengthBytes(script.length), script, uint64(satoshis), FINAL);
    const preimage = concat(
      ...[VERSION, shared.outpoints, shared.sequences, spent, shared.outputs, LOCK_TIME, uint32(SIGHASH)],
    );
    const signature = concat(key.sign(doubleHash(preimage)), Uint8Array.of(SIGHASH));
    const unlocking = concat(pushed(signature), pushed(fromHex(key.publicKey)));
    return concat(outpoint, lengthBytes(unlocking.length), unlocking, FINAL);
  });
  return concat(VERSION, lengthBytes(inputs.length), ...inputs, lengthBytes(outputs.length), body, LOCK_TIME);
}

/** Size at the most, from which the fee follows. */
export function maxSize(inputs: number, outputs: readonly Output[]): number {
  const body = outputs.reduce((sum, output) => sum + outputBytes(output).length, 0);
  return 8 + lengthBytes(inputs).length + inputs * MAX_INPUT_BYTES + lengthBytes(outputs.length).length + body;
}

/**
 * Extended Format (BIP-239): with what each input spends, so that nobody has to look it up.
 * @param amounts of the spent outputs, which all pay to `script`, in the order of the inputs; satoshis
 */
export function extendedFormat(raw: Uint8Array, amounts: readonly number[], script: Uint8Array): Uint8Array {
  const { version, inputs, outputs, lockTime } = parseTransaction(raw);
  const spending = inputs.map(({ txid, vout, script: unlocking, sequence }, index) => {
    const input = concat(outpointBytes({ txid, vout }), lengthBytes(unlocking.length), unlocking, uint32(sequence));
    return concat(input, outputBytes({ satoshis: amounts[index] ?? 0, script }));
  });
  const body = outputs.map(({ satoshis, script: locking }) =>
    outputBytes({ satoshis: Number(satoshis), script: locking }),
  );
  const head = concat(uint32(version), EXTENDED, lengthBytes(inputs.length));
  return concat(head, ...spending, lengthBytes(outputs.length), ...body, uint32(lockTime));
}

function outputBytes({ satoshis, script }: Output): Uint8Array {
  return concat(uint64(satoshis), lengthBytes(script.length), script);
}

function outpointBytes({ txid, vout }: Pick<Coin, 'txid' | 'vout'>): Uint8Array {
  return concat(reversed(fromHex(txid)), uint32(vout));
}

/** Signatures and keys are shorter than 76 bytes: their length is the opcode. */
function pushed(data: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(data.length), data);
}

function lengthBytes(length: number): Uint8Array {
  if (length < 0xfd) return Uint8Array.of(length);
  if (length <= 0xffff) return Uint8Array.of(0xfd, length & 0xff, length >> 8);
  return concat(Uint8Array.of(0xfe), uint32(length));
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}
