/** The development chain's transactions: real ones, signed, each spending the change of the one before. */
import {
  Hash,
  LockingScript,
  P2PKH,
  PublicKey,
  Transaction,
  type TransactionOutput,
  TransactionSignature,
  UnlockingScript,
  Utils,
} from '@bsv/sdk';
import type { IdentityKey } from '../keys.ts';

const SUBSIDY = 50 * 100_000_000;
const NO_TRANSACTION = '00'.repeat(32);
const FINAL = 0xffff_ffff;
const SIGHASH = TransactionSignature.SIGHASH_ALL | TransactionSignature.SIGHASH_FORKID;

/** An output to spend. */
export interface Coin {
  transaction: Uint8Array;
  vout: number;
}

/** The first transaction of a block. Its height makes it distinct, as BIP 34 has it. */
export function coinbase(height: number, key: IdentityKey): Uint8Array {
  const heightPush = `04${Buffer.from(Uint32Array.of(height).buffer).toString('hex')}`;
  const unlockingScript = UnlockingScript.fromHex(heightPush);
  const input = { sourceTXID: NO_TRANSACTION, sourceOutputIndex: FINAL, unlockingScript, sequence: FINAL };
  return toBytes(new Transaction(1, [input], [payment(key, SUBSIDY)], 0));
}

/** Carries one output script a commitment, and the change last. There is no fee: nobody else mines this chain. */
export async function anchorTransaction(
  coin: Coin,
  scripts: readonly Uint8Array[],
  key: IdentityKey,
): Promise<Uint8Array> {
  const source = Transaction.fromBinary([...coin.transaction]);
  const satoshis = source.outputs[coin.vout]?.satoshis ?? 0;
  const outputs: TransactionOutput[] = scripts.map((script) => ({
    satoshis: 0,
    lockingScript: LockingScript.fromBinary([...script]),
  }));
  outputs.push(payment(key, satoshis));
  const input = {
    sourceTransaction: source,
    sourceOutputIndex: coin.vout,
    sequence: FINAL,
    unlockingScriptTemplate: { sign: unlocker(key), estimateLength: async () => 107 },
  };
  const transaction = new Transaction(1, [input], outputs, 0);
  await transaction.sign();
  return toBytes(transaction);
}

/** P2PKH unlocking with the node's native signer: the library's own takes a hundred times as long. */
function unlocker(key: IdentityKey): (transaction: Transaction, index: number) => Promise<UnlockingScript> {
  return async (transaction, inputIndex) => {
    const input = transaction.inputs[inputIndex];
    const source = input?.sourceTransaction?.outputs[input.sourceOutputIndex];
    if (input?.sourceTransaction === undefined || source === undefined) throw new RangeError('the input has no source');
    const preimage = TransactionSignature.format({
      sourceTXID: input.sourceTransaction.id('hex'),
      sourceOutputIndex: input.sourceOutputIndex,
      sourceSatoshis: source.satoshis ?? 0,
      transactionVersion: transaction.version,
      otherInputs: transaction.inputs.filter((other) => other !== input),
      inputIndex,
      outputs: transaction.outputs,
      inputSequence: input.sequence ?? FINAL,
      subscript: source.lockingScript,
      lockTime: transaction.lockTime,
      scope: SIGHASH,
    });
    const signature = key.sign(Uint8Array.from(Hash.hash256(preimage)));
    const script = new UnlockingScript();
    script.writeBin([...signature, SIGHASH]);
    script.writeBin(Utils.toArray(key.publicKey, 'hex'));
    return script;
  };
}

function payment(key: IdentityKey, satoshis: number): TransactionOutput {
  return { satoshis, lockingScript: new P2PKH().lock(PublicKey.fromString(key.publicKey).toHash() as number[]) };
}

function toBytes(transaction: Transaction): Uint8Array {
  return Uint8Array.from(transaction.toBinary());
}
