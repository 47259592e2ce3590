/** Coins in a transaction that the operator brings in. */
import {
  type Chain,
  fromHex,
  isHex,
  MAX_BEEF_BYTES,
  ProofError,
  parseBeef,
  parseTransaction,
  toHex,
  transactionId,
} from '@tidemark/proof';
import type { Coin } from '../../store/coins.ts';
import { paymentScript } from '../raw-transaction.ts';

export class FundingError extends Error {
  readonly code: 'malformed' | 'nothing-for-this-key';

  constructor(code: FundingError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FundingError';
    this.code = code;
  }
}

export const MAX_FUNDING_BYTES = 2 * MAX_BEEF_BYTES + 2;
/** Version bytes of BEEF, and of Atomic BEEF. */
const BEEF = ['0100beef', '0200beef', '01010101'];

/**
 * Outputs that pay to the key by P2PKH. Whether they exist and are unspent, the network will say.
 * @param file a transaction or a BEEF, binary or hex
 * @param owner compressed public key, hex
 * @throws FundingError
 */
export function fundingCoins(file: Uint8Array, chain: Chain, owner: string): Coin[] {
  const script = toHex(paymentScript(owner));
  const coins = transactions(file).flatMap((raw) => {
    const txid = transactionId(raw);
    return parseTransaction(raw).outputs.flatMap((output, vout): Coin[] =>
      toHex(output.script) === script && output.satoshis > 0n && output.satoshis <= BigInt(Number.MAX_SAFE_INTEGER)
        ? [{ txid, vout, chain, owner, satoshis: Number(output.satoshis) }]
        : [],
    );
  });
  if (coins.length > 0) return coins;
  throw new FundingError('nothing-for-this-key', 'no output of the transaction pays to the anchor key by P2PKH');
}

function transactions(file: Uint8Array): Uint8Array[] {
  try {
    const text = Buffer.from(file).toString('latin1').trim().toLowerCase();
    const raw = isHex(text) ? fromHex(text) : file;
    if (!BEEF.includes(toHex(raw.subarray(0, 4)))) {
      parseTransaction(raw);
      return [raw];
    }
    // Those before the last are ancestors: outputs of theirs to this key may be spent on the way.
    const { transactions: held, subject } = parseBeef(raw);
    const subjectTx = subject === undefined ? held.at(-1) : held.find(({ txid }) => txid === subject);
    return subjectTx?.raw === undefined ? [] : [subjectTx.raw];
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw new FundingError('malformed', `this is neither a transaction nor a BEEF: ${cause.message}`, { cause });
  }
}
