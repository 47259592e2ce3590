/** The leaves of a log, from where the last audit ended: their tree, their sources, and the key that is in force. */
import { hash } from 'node:crypto';
import {
  type ControlLeaf,
  Frontier,
  type HeaderLeaf,
  isHex,
  type Leaf,
  leafHash,
  ProofError,
  parseEntry,
  parseVerifierKey,
  toHex,
  type VerifierKey,
  verifyControl,
} from '@tidemark/proof';
import { AuditError, type Findings } from './findings.ts';
import { type SeenSource, Sources } from './sources.ts';

/** What is remembered of a log's leaves. */
export interface SeenLeaves {
  size: number;
  /** Hex; what `Frontier` takes. */
  frontier: string[];
  /** Identity keys that have been in force: the header leaf's, then each that took its place. */
  publishers: string[];
  /** C2SP verifier keys that have been in force: the header leaf's, then each that took its place. */
  keys: string[];
  sources: Record<string, SeenSource>;
}

const sha256 = (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer');

export class LeafWalk {
  readonly #findings: Findings;
  readonly #stream: string;
  readonly #origin: string;
  readonly #frontier: Frontier;
  readonly #sources: Sources;
  readonly #keys: string[];
  readonly #publishers: string[];
  /** The leaf that brought the log key in force, and the identity key. */
  #rotatedAt = 0;
  #handedOverAt = 0;

  /** @param log whose leaves they have to be */
  constructor(log: { stream: string; origin: string }, findings: Findings, before?: SeenLeaves) {
    this.#findings = findings;
    this.#stream = log.stream;
    this.#origin = log.origin;
    const nodes = (before?.frontier ?? []).map((node) => Buffer.from(node, 'hex'));
    this.#frontier = new Frontier({ size: before?.size ?? 0, nodes }, sha256);
    this.#sources = new Sources(findings, before?.sources);
    this.#keys = [...(before?.keys ?? [])];
    this.#publishers = [...(before?.publishers ?? [])];
  }

  get size(): number {
    return this.#frontier.size;
  }

  /** Hex. */
  get root(): string {
    return toHex(this.#frontier.root());
  }

  /** The keys so far, the one in force last; empty before the header leaf. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  /** As `keys`, of identity keys. */
  get publishers(): readonly string[] {
    return this.#publishers;
  }

  /** What the constructor takes back. */
  get state(): SeenLeaves {
    const { size, nodes } = this.#frontier;
    const [publishers, keys] = [[...this.#publishers], [...this.#keys]];
    return { size, frontier: nodes.map(toHex), publishers, keys, sources: this.#sources.state };
  }

  /**
   * Keys that may have signed the checkpoint of the newest packet, which begins at leaf `start`: the one in force, and
   * where that took over within the packet, the one before, too.
   */
  signersSince(start: number): string[] {
    return inForce(this.#keys, this.#rotatedAt, start);
  }

  /** The same of identity keys and the manifest of that packet. */
  publishersSince(start: number): string[] {
    return inForce(this.#publishers, this.#handedOverAt, start);
  }

  /** @throws AuditError where the log cannot be read on */
  take(entry: Uint8Array): Leaf {
    const index = this.size;
    const leaf = readLeaf(entry, index);
    if (leaf.stream !== this.#stream) fail(index, `it is of the stream ${leaf.stream}`);
    if ((leaf.kind === 'header') !== (index === 0)) fail(index, 'a log has one header leaf, its first');
    this.#frontier.append(leafHash(entry, sha256));
    if (leaf.kind === 'header') this.#header(leaf);
    else if (leaf.kind === 'control') this.#control(leaf, index);
    else this.#sources.take(leaf, index);
    return leaf;
  }

  /** See `Sources.missing`. */
  missing(through: Readonly<Record<string, number>> | undefined): string[] {
    return this.#sources.missing(through);
  }

  #header({ logKey, publisher }: HeaderLeaf): void {
    this.#keys.push(this.#ownKey(logKey, 0));
    this.#publishers.push(publisher);
  }

  #control(leaf: ControlLeaf, index: number): void {
    if (!verifyControl(leaf, this.#keys.at(-1)!)) {
      const detail = `leaf ${index}, ${leaf.action}, is not signed by the key in force`;
      this.#findings.add({ reason: 'bad-signature', detail });
      return;
    }
    if (leaf.action !== 'key-rotated') return;
    const { logKey, publisher } = (leaf.data ?? {}) as { logKey?: unknown; publisher?: unknown };
    if (logKey === undefined && publisher === undefined) fail(index, 'it rotates the key and names no other');
    if (logKey !== undefined) {
      if (typeof logKey !== 'string') fail(index, 'it names no log key');
      this.#keys.push(this.#ownKey(logKey, index));
      this.#rotatedAt = index;
    }
    if (publisher !== undefined) {
      if (!isHex(publisher, 33)) fail(index, 'it names no identity key');
      this.#publishers.push(publisher);
      this.#handedOverAt = index;
    }
  }

  /** A log's key has the log's origin as its name: one for another log would be of no use here. */
  #ownKey(text: string, index: number): string {
    const key = keyOf(text, index);
    if (key.type !== 'log' || key.name !== this.#origin) fail(index, `its key is none of the log ${this.#origin}`);
    return text;
  }
}

/** The last one, and where it took over within the packet that begins at `start`, the one before, too. */
function inForce(keys: readonly string[], since: number, start: number): string[] {
  return keys.slice(since > 0 && since >= start ? -2 : -1);
}

function readLeaf(entry: Uint8Array, index: number): Leaf {
  try {
    return parseEntry(entry);
  } catch (cause) {
    if (cause instanceof ProofError) throw new AuditError('malformed', `leaf ${index}: ${cause.message}`, { cause });
    throw cause;
  }
}

function keyOf(text: string, index: number): VerifierKey {
  try {
    return parseVerifierKey(text);
  } catch (cause) {
    if (cause instanceof ProofError) throw new AuditError('malformed', `leaf ${index}: ${cause.message}`, { cause });
    throw cause;
  }
}

function fail(index: number, detail: string): never {
  throw new AuditError('malformed', `leaf ${index}: ${detail}`);
}
