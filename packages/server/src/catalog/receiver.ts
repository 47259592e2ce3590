/** Takes manifests, and the transactions that carry them, into the catalog. */
import { anchorScript, type Beef, ProofError, parseBeef, toHex } from '@tidemark/proof';
import type { Headers } from '../headers/headers.ts';
import type { CatalogProof, CatalogWriter, Contributor } from '../store/catalog.ts';
import type { LedgerReader } from '../store/ledger.ts';
import { CatalogError } from './errors.ts';
import { type Claim, checkEvidence, type Evidence } from './evidence.ts';
import { type AcceptedManifest, acceptManifest } from './manifest.ts';
import { type CarryingTransaction, carryingOutput, readTransaction } from './transaction.ts';

/** A packet or rollup of this node that a transaction of somebody else has put into a block. */
export interface OwnAnchored {
  versionId: string;
  vout: number;
  txid: string;
  /** SPV envelope as JSON text, without `headerChain`. */
  envelope: string;
  height: number;
}

/** What a wallet needs to anchor a manifest. */
export interface Declared {
  status: 'ok';
  versionId: string;
  manifestHash: string;
  parents: readonly string[];
  outputs: { scriptHex: string; satoshis: 0 }[];
  opReturnScriptHex: string;
  /** Of the output as a transaction has it: amount, length and script. */
  opReturnOutputBytes: number;
}

export interface Received {
  status: 'success';
  type: 'DLM1';
  versionId: string;
  txid: string;
  vout: number;
}

export interface SubmittedTransaction {
  /** Bytes, or lower-case hex. */
  rawTx: unknown;
  /** Parsed JSON; a known one is looked up by what the transaction carries without it. */
  manifest?: unknown;
  evidence?: Evidence | undefined;
}

export interface ReceiverOptions {
  catalog: CatalogWriter;
  ledger: Pick<LedgerReader, 'packet' | 'rollups' | 'standingAnchor'>;
  /** Undefined where no chain is followed. */
  headers: Headers | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  /** May be told the same more than once. */
  ownAnchored: (anchored: OwnAnchored) => void;
}

const AMOUNT_BYTES = 8;

export class Receiver {
  readonly #options: ReceiverOptions;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /**
   * The output that anchors a manifest. The manifest is kept, so that its transaction may come without it.
   * @throws CatalogError, StoreError `write-failed`
   */
  declare(manifest: unknown, by: Contributor): Declared {
    const version = acceptManifest(manifest);
    if (!this.#isOwn(version.versionId)) this.#add({ version, carriers: [] }, by);
    return declared(version);
  }

  /**
   * Nothing of it is kept unless all of it holds. The answer is a function of what was sent.
   * @throws CatalogError, StoreError `write-failed`
   */
  receive({ rawTx, manifest, evidence }: SubmittedTransaction, by: Contributor): Received {
    const transaction = readTransaction(rawTx);
    const version = manifest === undefined ? undefined : acceptManifest(manifest);
    const known = this.#known(transaction);
    const versionId = version?.versionId ?? known[0] ?? unknown(transaction);
    const first = { versionId, vout: carryingOutput(transaction, versionId) };
    const claims = [first, ...otherClaims(transaction, known, versionId)];
    const { txid, raw } = transaction;
    const proof = evidence && checkEvidence(evidence, transaction, first, this.#options.headers);
    const isOwn = version !== undefined && this.#isOwn(version.versionId);
    const carriers = claims.map((claim) => ({ ...claim, txid }));
    this.#add({ version: isOwn ? undefined : version, carriers, rawTx: raw, proof }, by);
    if (proof !== undefined) for (const claim of claims) this.#tellOwn(claim, proof);
    return { status: 'success', type: 'DLM1', ...first, txid };
  }

  /** A BEEF whose last transaction carries a manifest that is known here. */
  receiveBeef(bytes: Uint8Array, by: Contributor): Received {
    const { transactions, bumps, subject } = readBeef(bytes);
    const found = subject === undefined ? transactions.at(-1) : transactions.find(({ txid }) => txid === subject);
    if (found?.raw === undefined)
      throw new CatalogError('invalid-rawtx', 'the BEEF names its transaction without its bytes');
    const bump = found.bumpIndex === undefined ? undefined : bumps[found.bumpIndex];
    return this.receive({ rawTx: found.raw, evidence: bump && { kind: 'bump', bump } }, by);
  }

  /** Versions that are known here and carried by the transaction, in the order of its outputs. */
  #known({ vouts }: CarryingTransaction): string[] {
    return [...vouts.keys()].filter((id) => this.#isOwn(id) || this.#options.catalog.version(id) !== undefined);
  }

  #isOwn(versionId: string): boolean {
    const { ledger } = this.#options;
    return ledger.packet(versionId) !== undefined || ledger.rollups.one(versionId) !== undefined;
  }

  #tellOwn({ versionId, vout }: Claim, { txid, envelope, height }: CatalogProof): void {
    const { ledger, ownAnchored } = this.#options;
    if (!this.#isOwn(versionId) || ledger.standingAnchor(versionId) !== undefined) return;
    ownAnchored({ versionId, vout, txid, envelope, height });
  }

  #add(entry: Parameters<CatalogWriter['add']>[0], by: Contributor): void {
    if (this.#options.catalog.add(entry, by, this.#options.now())) return;
    throw shareUsedUp(by);
  }
}

/** What else the transaction carries, each in exactly one output. */
function otherClaims({ vouts }: CarryingTransaction, known: readonly string[], versionId: string): Claim[] {
  return known.flatMap((id) => {
    const [vout, ...more] = vouts.get(id) ?? [];
    return id === versionId || vout === undefined || more.length > 0 ? [] : [{ versionId: id, vout }];
  });
}

function unknown({ vouts }: CarryingTransaction): never {
  if (vouts.size === 0) throw new CatalogError('onchain-mh-mismatch', 'no output carries the hash of a manifest');
  throw new CatalogError(
    'invalid-manifest',
    'the manifest that the transaction carries is not known here: send it along',
  );
}

export function shareUsedUp({ maxBytes }: Contributor): CatalogError {
  return new CatalogError(
    'catalog-share-used-up',
    `what one identity adds may take ${maxBytes} bytes together; the administrator has no limit`,
  );
}

function declared({ versionId, parents }: AcceptedManifest): Declared {
  const script = anchorScript({ mh: versionId, parents: [...parents] });
  const scriptHex = toHex(script);
  return {
    ...{ status: 'ok', versionId, manifestHash: versionId, parents },
    outputs: [{ scriptHex, satoshis: 0 }],
    opReturnScriptHex: scriptHex,
    opReturnOutputBytes: AMOUNT_BYTES + lengthBytes(script.length) + script.length,
  };
}

function lengthBytes(length: number): number {
  if (length < 0xfd) return 1;
  return length <= 0xffff ? 3 : 5;
}

function readBeef(bytes: Uint8Array): Beef {
  try {
    return parseBeef(bytes);
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw new CatalogError('invalid-rawtx', cause.message, { cause });
  }
}
