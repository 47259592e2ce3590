import { decodeAnchorScript } from './anchor.ts';
import { fromHex, isHex } from './bytes.ts';
import { type Envelope, parseEnvelope } from './envelope.ts';
import { ProofError } from './errors.ts';
import { HeaderChain } from './header-chain.ts';
import { type BlockHeader, HEADER_BYTES, meetsTarget, parseHeader, targetFromBits } from './headers.ts';
import { rootOfPath } from './merkle-path.ts';
import { DEVELOPMENT_FLOOR_BITS } from './pins.ts';
import { parseTransaction, type Transaction, transactionId } from './transaction.ts';
import { type EnvelopeReason, type Refusal, refuse, verdict } from './verdict.ts';

/** What the verification needs of the chain that the verifier follows; a `HeaderChain` is one. */
export interface FollowedChain extends Pick<HeaderChain, 'find' | 'confirmations'> {
  readonly pin: { floorBits: number };
}

/** What the envelope has to show. */
export interface Wanted {
  versionId: string;
  /** The output that carries it; any, if left out. */
  vout?: number;
  /** The chain the verifier follows; on the development chain there is none but the envelope's own headers. */
  chain: FollowedChain | 'tidemark-dev';
  /** Depth, default 1. */
  minConfs?: number;
}

/** Where the versionId is anchored. */
export interface AnchoredAt {
  valid: true;
  txid: string;
  vout: number;
  blockHash: string;
  /** Seconds since 1970, from the header. */
  blockTime: number;
  /** Unknown on the development chain, which has no pin to count from. */
  height?: number;
  confirmations: number;
}

/** A 64-byte transaction could be an inner node of the tree in disguise. */
const INNER_NODE_BYTES = 64;

/** Checks an envelope as `dlm1.md` asks. Any JSON value gives a result; `malformed` is one that is no envelope. */
export function verifyEnvelope(envelope: unknown, wanted: Wanted): AnchoredAt | Refusal<EnvelopeReason | 'malformed'> {
  return verdict<AnchoredAt, EnvelopeReason | 'malformed'>(() => {
    if (envelope === undefined || envelope === null) refuse('missing-envelope', 'there is no envelope');
    return checkEnvelope(parseEnvelope(envelope, 'elsewhere'), wanted);
  });
}

/** The checks, in the order of the contract's reasons; the first that fails ends the verification under way. */
export function checkEnvelope(envelope: Envelope, wanted: Wanted): AnchoredAt {
  const raw = fromHex(envelope.rawTx);
  checkTransactionIds(envelope, raw);
  const vout = committingOutput(raw, wanted);
  const header = blockHeader(envelope, wanted.chain);
  const successors = successorsOf(header, envelope.headerChain ?? []);
  const chain = wanted.chain === 'tidemark-dev' ? developmentChain(header, successors) : wanted.chain;
  for (const one of [header, ...successors]) checkWork(one, chain);
  const height = checkPlace(envelope, header, chain);
  checkPath(envelope, header);
  const confirmations = checkDepth(header, chain, wanted.minConfs ?? 1);
  return {
    valid: true,
    txid: envelope.proof.txid,
    vout,
    blockHash: header.hash,
    blockTime: header.time,
    ...(wanted.chain !== 'tidemark-dev' && { height }),
    confirmations,
  };
}

function checkTransactionIds(envelope: Envelope, raw: Uint8Array): void {
  const { txid } = envelope.proof;
  if (envelope.txid !== undefined && envelope.txid !== txid) {
    refuse('txid-mismatch-top-level-vs-proof', "the envelope's txid is not its proof's");
  }
  if (transactionId(raw) !== txid) refuse('txid-mismatch-rawtx-vs-proof', 'rawTx does not hash to the txid');
}

/** The index of the one output whose DLM1 anchor is the versionId. */
function committingOutput(raw: Uint8Array, wanted: Wanted): number {
  if (raw.length === INNER_NODE_BYTES) refuse('tx-does-not-commit', 'a transaction of 64 bytes could be an inner node');
  const { outputs } = transactionOf(raw);
  const matching = outputs.flatMap(({ script }, i) => (decodeAnchorScript(script)?.mh === wanted.versionId ? [i] : []));
  const [vout, ...others] = matching;
  if (vout === undefined || others.length > 0 || vout !== (wanted.vout ?? vout)) {
    refuse('tx-does-not-commit', `outputs that carry the versionId: ${matching.join(', ') || 'none'}`);
  }
  return vout;
}

function transactionOf(raw: Uint8Array): Transaction {
  try {
    return parseTransaction(raw);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    return refuse('tx-does-not-commit', error.message);
  }
}

/** The block's header: the envelope's, or the one that the verifier has under the envelope's block hash. */
function blockHeader({ block }: Envelope, chain: Wanted['chain']): BlockHeader {
  if ('blockHeader' in block) return readHeader(block.blockHeader);
  if (chain === 'tidemark-dev')
    refuse('merkle-root-unavailable', 'on the development chain the header has to be there');
  const found = chain.find(block.blockHash);
  if (found === undefined) refuse('unknown-block-hash', `block ${block.blockHash} is not on the chain from the pin`);
  if (found.height !== block.blockHeight) refuse('block-height-mismatch', `the block is at height ${found.height}`);
  return found.header;
}

/** The headers after the block's own, which the list starts with. */
function successorsOf(header: BlockHeader, headerChain: string[]): BlockHeader[] {
  const headers = headerChain.map(readHeader);
  headers.forEach(({ hash, prevHash }, i) => {
    const linked = i === 0 ? hash === header.hash : prevHash === headers[i - 1]?.hash;
    if (!linked) refuse('invalid-block-header', `headerChain entry ${i} does not follow`);
  });
  return headers.slice(1);
}

function readHeader(hex: string): BlockHeader {
  if (!isHex(hex, HEADER_BYTES)) refuse('invalid-block-header', 'a header is 160 digits of lower-case hex');
  const header = parseHeader(fromHex(hex));
  try {
    targetFromBits(header.bits);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    refuse('invalid-block-header', error.message);
  }
  return header;
}

function developmentChain(header: BlockHeader, successors: BlockHeader[]): HeaderChain {
  const pin = { height: 0, hash: header.prevHash, floorBits: DEVELOPMENT_FLOOR_BITS };
  return new HeaderChain(pin, [header, ...successors]);
}

function checkWork(header: BlockHeader, chain: FollowedChain): void {
  if (!meetsTarget(header, chain.pin.floorBits)) {
    refuse('insufficient-work', `block ${header.hash} misses its target, or that the network's floor`);
  }
}

function checkPlace({ block }: Envelope, header: BlockHeader, chain: FollowedChain): number {
  const found = chain.find(header.hash);
  if (found === undefined) refuse('unknown-block-hash', `block ${header.hash} is not on the chain from the pin`);
  if ('blockHeight' in block && block.blockHeight !== found.height) {
    refuse('block-height-mismatch', `the block is at height ${found.height}`);
  }
  return found.height;
}

function checkPath({ proof }: Envelope, header: BlockHeader): void {
  const root = rootOfPath(proof.txid, proof.path);
  if (root !== proof.merkleRoot || root !== header.merkleRoot) {
    refuse('invalid-merkle-path', "the path does not lead to the root in the block's header");
  }
}

function checkDepth(header: BlockHeader, chain: FollowedChain, minConfs: number): number {
  const confirmations = chain.confirmations(header.hash);
  if (confirmations < minConfs) refuse('insufficient-confs', `${confirmations} confirmations, ${minConfs} wanted`);
  return confirmations;
}
