import { isHex } from './bytes.ts';
import { parseVerifierKey, type VerifierKey } from './checkpoint.ts';
import { ProofError } from './errors.ts';
import { HeaderChain } from './header-chain.ts';
import { type BlockHeader, parseHeaders } from './headers.ts';
import { type Chain, PINS, type Pin } from './pins.ts';
import { PRIMITIVES, type Primitives } from './primitives.ts';

/** What the verifier pins and asks for. What is not pinned has to be trusted, and the report says so. */
export interface VerifyOptions {
  /** The publisher's identity key: 33 bytes compressed, hex. */
  publisher?: string;
  /** The log's C2SP verifier key, `name+hash+key`. */
  logKey?: string;
  /** Verifier keys of witnesses, of which `quorum` (default: all) must have cosigned the checkpoint. */
  witnesses?: readonly string[];
  quorum?: number;
  /** 80-byte headers, end to end, that link to the pin of the anchor's chain. */
  headers?: Uint8Array;
  /** Pins of the verifier's own, for chains that have none or in place of those that ship. */
  pins?: Partial<Record<Chain, Pin>>;
  /** Confirmations wanted, default 0: an unanchored proof will do. */
  minConfs?: number;
  /** Accept the development chain. */
  dev?: boolean;
  /** In place of those that ship, where the runtime has faster ones. */
  primitives?: Partial<Primitives>;
}

/** The options, read. */
export interface Pinned {
  publisher: string | undefined;
  logKey: VerifierKey | undefined;
  witnesses: VerifierKey[];
  quorum: number;
  minConfs: number;
  dev: boolean;
  primitives: Primitives;
  /** The verifier's view of a chain; undefined where it has no pin to start from. */
  chain(name: Chain): HeaderChain | undefined;
}

/** Throws a `ProofError` (`invalid-option`, `invalid-key`, `invalid-header`) for options that are of no use. */
export function readOptions(options: VerifyOptions): Pinned {
  const { publisher, minConfs = 0, dev = false } = options;
  if (publisher !== undefined && !isHex(publisher, 33)) fail('the publisher is no compressed key in lower-case hex');
  if (!isCount(minConfs)) fail('minConfs is no count');
  // What a caller in JavaScript writes amiss must not open what it believes is shut.
  if (typeof dev !== 'boolean') fail('dev is true or false');
  const logKey = options.logKey === undefined ? undefined : parseVerifierKey(options.logKey);
  if (logKey?.type === 'witness') fail('the log key is a witness key');
  const witnesses = readWitnesses(options.witnesses ?? []);
  const quorum = options.quorum ?? witnesses.length;
  if (!isCount(quorum) || quorum > witnesses.length) fail(`no quorum of ${quorum} among ${witnesses.length} witnesses`);
  const headers = parseHeaders(options.headers ?? new Uint8Array(0));
  const pins = { ...PINS, ...options.pins };
  const primitives = { ...PRIMITIVES, ...options.primitives };
  return { publisher, logKey, witnesses, quorum, minConfs, dev, primitives, chain: chainsFrom(pins, headers) };
}

/** Each chain is followed once, when the first proof asks for it. */
function chainsFrom(pins: Partial<Record<Chain, Pin>>, headers: readonly BlockHeader[]): Pinned['chain'] {
  const followed = new Map<Chain, HeaderChain>();
  return (name) => {
    const pin = pins[name];
    if (pin === undefined) return undefined;
    const chain = followed.get(name) ?? new HeaderChain(pin, headers);
    followed.set(name, chain);
    return chain;
  };
}

function readWitnesses(texts: readonly string[]): VerifierKey[] {
  const keys = texts.map(parseVerifierKey);
  if (keys.some((key) => key.type !== 'witness')) fail('a witness key is not of the cosignature type');
  // One key under two names would count twice towards the quorum.
  if (new Set(keys.map((key) => key.publicKey.join())).size < keys.length) fail('a witness is named twice');
  return keys;
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function fail(detail: string): never {
  throw new ProofError('invalid-option', detail);
}
