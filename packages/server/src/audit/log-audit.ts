/** The audit of one log: from what was seen of it to what its newest checkpoint signs. */
import { hash } from 'node:crypto';
import {
  type Leaf,
  ProofError,
  parseCheckpoint,
  parseVerifierKey,
  type SignedCheckpoint,
  TILE_WIDTH,
  TiledTree,
  verifyCheckpoint,
} from '@tidemark/proof';
import { AuditError, type Finding, Findings } from './findings.ts';
import { LeafWalk, type SeenLeaves } from './leaf-walk.ts';
import { signedClaim } from './signed-claim.ts';
import type { TiledLog } from './tiled-log.ts';

/** What is remembered of a log that was found clean. */
export interface SeenLog {
  origin: string;
  /** The signed note: with it, a log that denies it later is convicted. */
  checkpoint: string;
  leaves: SeenLeaves;
}

/** What the auditor knows of the logs beforehand. */
export interface Pins {
  /** C2SP verifier keys. Where there are any, each log has to have one of them. */
  logKeys: readonly string[];
  publisher?: string;
}

export interface LogReport {
  stream: string;
  clean: boolean;
  origin?: string;
  size?: number;
  root?: string;
  /** Leaves that were read this time. */
  read: number;
  findings: readonly Finding[];
  /** More than are listed, where there are very many. */
  findingCount: number;
  /** What was believed, and what is still to come. */
  notes: readonly string[];
  /** Present where the log is clean. */
  seen?: SeenLog;
}

/** Bundles that are on their way, the one that is read included. */
const AHEAD = 4;
const sha256 = (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer');

/** @param watch told of each leaf that is read, before it is known whether the log is clean */
export async function auditLog(
  log: TiledLog,
  stream: string,
  pins: Pins,
  seen?: SeenLog,
  watch?: (leaf: Leaf) => void,
): Promise<LogReport> {
  const audit = new LogAudit(log, stream, pins, seen, watch);
  try {
    await audit.run();
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    audit.findings.add(error.finding);
  }
  return audit.report;
}

class LogAudit {
  readonly findings = new Findings();
  readonly #log: TiledLog;
  readonly #stream: string;
  readonly #pins: Pins;
  readonly #seen: SeenLog | undefined;
  readonly #watch: ((leaf: Leaf) => void) | undefined;
  readonly #notes: string[] = [];
  #text = '';
  #note: SignedCheckpoint | undefined;
  #walk: LeafWalk | undefined;

  constructor(
    log: TiledLog,
    stream: string,
    pins: Pins,
    seen: SeenLog | undefined,
    watch: ((leaf: Leaf) => void) | undefined,
  ) {
    this.#log = log;
    this.#stream = stream;
    this.#pins = pins;
    this.#seen = seen;
    this.#watch = watch;
  }

  async run(): Promise<void> {
    this.#text = await this.#log.checkpoint();
    const note = parsed(this.#text);
    this.#note = note;
    await this.#checkGrowth(note);
    const walk = new LeafWalk({ stream: this.#stream, origin: note.origin }, this.findings, this.#seen?.leaves);
    this.#walk = walk;
    await this.#readLeaves(walk, note.size);
    if (walk.root !== note.root) {
      throw new AuditError('root-mismatch', `the ${note.size} entries have another root than the checkpoint`);
    }
    await this.#checkClaims(walk, note);
    this.#checkPins(walk);
  }

  get report(): LogReport {
    const [note, walk, clean] = [this.#note, this.#walk, this.findings.count === 0];
    return {
      stream: this.#stream,
      clean,
      ...(note === undefined ? {} : { origin: note.origin, size: note.size, root: note.root }),
      read: walk === undefined ? 0 : walk.size - (this.#seen?.leaves.size ?? 0),
      ...{ findings: this.findings.list, findingCount: this.findings.count, notes: this.#notes },
      ...(clean && note !== undefined && walk !== undefined
        ? { seen: { origin: note.origin, checkpoint: this.#text, leaves: walk.state } }
        : {}),
    };
  }

  async #checkGrowth(note: SignedCheckpoint): Promise<void> {
    const tree = new TiledTree(note, (level, index, width) => this.#log.tile(level, index, width), sha256);
    if (this.#seen === undefined) {
      if (await tree.isWhole()) return;
      throw new AuditError('root-mismatch', `the tiles of ${note.size} leaves have another root than the checkpoint`);
    }
    const before = parsed(this.#seen.checkpoint);
    this.#checkHeads(this.#seen, before, note);
    const root = await tree.rootAt(before.size);
    if (root === undefined) {
      throw new AuditError(
        'root-mismatch',
        `the tiles do not lead from ${before.size} leaves to the checkpoint of ${note.size}`,
      );
    }
    if (root !== before.root) {
      throw this.#contradiction(
        'rewritten',
        `the first ${before.size} of its ${note.size} leaves are not what they were`,
      );
    }
  }

  /** What shows from the two checkpoints alone. A contradiction counts once the log's own key has signed it. */
  #checkHeads({ leaves }: SeenLog, before: SignedCheckpoint, note: SignedCheckpoint): void {
    const signed = verifyCheckpoint(note, parseVerifierKey(leaves.keys.at(-1)!));
    // One that another key has signed may have grown by the leaf that says so.
    if (signed === 'invalid' || (signed === 'absent' && note.size <= before.size)) {
      throw new AuditError('bad-signature', 'the checkpoint is not signed by the key that was in force');
    }
    if (note.origin !== before.origin) {
      throw this.#contradiction('rewritten', `it was the log ${before.origin}, and is ${note.origin} now`);
    }
    if (note.size < before.size) {
      throw this.#contradiction('rewritten', `it had ${before.size} leaves, and has ${note.size} now`);
    }
    if (note.size === before.size && note.root !== before.root) {
      throw this.#contradiction('forked', `two checkpoints of ${note.size} leaves have different roots`);
    }
  }

  #contradiction(reason: 'rewritten' | 'forked', detail: string): AuditError {
    return new AuditError(reason, detail, { evidence: [this.#seen?.checkpoint ?? '', this.#text] });
  }

  async #readLeaves(walk: LeafWalk, size: number): Promise<void> {
    const fetched: Promise<Uint8Array[]>[] = [];
    for (let index = Math.floor(walk.size / TILE_WIDTH); index * TILE_WIDTH < size; index++) {
      while (fetched.length < AHEAD && (index + fetched.length) * TILE_WIDTH < size) {
        fetched.push(this.#bundle(index + fetched.length, size));
      }
      const entries = (await fetched.shift()) ?? [];
      for (const entry of entries.slice(walk.size - index * TILE_WIDTH)) {
        const leaf = walk.take(entry);
        this.#watch?.(leaf);
      }
    }
  }

  #bundle(index: number, size: number): Promise<Uint8Array[]> {
    const bundle = this.#log.entries(index, Math.min(TILE_WIDTH, size - index * TILE_WIDTH));
    // One that fails is heard of in its turn, if that comes.
    bundle.catch(() => undefined);
    return bundle;
  }

  /** The signatures of the newest packet, and whether all is in the log that it says is. */
  async #checkClaims(walk: LeafWalk, note: SignedCheckpoint): Promise<void> {
    const manifest = await this.#log.manifest(note.size);
    const claim =
      manifest === undefined ? undefined : signedClaim(manifest, note, (start) => walk.publishersSince(start));
    const keys = walk.signersSince(claim?.start ?? note.size - 1).map(parseVerifierKey);
    if (!keys.some((key) => verifyCheckpoint(note, key) === 'valid')) {
      throw new AuditError('bad-signature', 'the checkpoint is not signed by the key that the log says is in force');
    }
    if (claim === undefined) this.#notes.push('the log shows no manifest: what is missing cannot be still to come');
    this.#notes.push(...walk.missing(claim?.through));
  }

  /** A pinned key may have been replaced since: the log itself says by which. */
  #checkPins({ keys, publishers }: LeafWalk): void {
    const { logKeys, publisher: pinned } = this.#pins;
    if (pinned !== undefined && !publishers.includes(pinned)) {
      throw new AuditError('bad-signature', `the log is of ${publishers.at(-1)}, not of the pinned publisher`);
    }
    if (logKeys.length > 0 && !keys.some((key) => logKeys.includes(key))) {
      throw new AuditError('bad-signature', `no pinned key is of this log, whose key is ${keys.at(-1)}`);
    }
    if (logKeys.length === 0 && this.#seen === undefined) {
      this.#notes.push(`its key was trusted on first use; --log-key pins it: ${keys.at(-1)}`);
    }
  }
}

function parsed(text: string): SignedCheckpoint {
  let note: SignedCheckpoint;
  try {
    note = parseCheckpoint(text);
  } catch (cause) {
    if (cause instanceof ProofError) throw new AuditError('malformed', cause.message, { cause });
    throw cause;
  }
  if (note.size === 0) throw new AuditError('malformed', 'the checkpoint is of no leaves');
  return note;
}
