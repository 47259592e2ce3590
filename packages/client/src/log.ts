/** A stream's log, of which nothing is passed on that is not proven. */
import {
  equal,
  isHex,
  type Leaf,
  leafHash,
  ProofError,
  parseCheckpoint,
  parseEntry,
  type SignedCheckpoint,
  TILE_WIDTH,
  TiledTree,
} from '@tidemark/proof';
import { ClientError, LogError, type LogErrorCode, type LogErrorDetails } from './errors.ts';
import type { CallOptions, Http } from './http.ts';
import { LogKeys } from './log-keys.ts';
import { LogSource } from './log-source.ts';
import type { Names } from './options.ts';
import { checkPublisher } from './publisher-signature.ts';

const HASH_BYTES = 32;

/** What the reader knows of logs beforehand. Without a pin, the key that the server shows first is the key. */
export interface LogPins {
  /** C2SP verifier keys; each counts for the log that it names. One of them has to be this log's. */
  logKeys?: readonly string[] | undefined;
  /** The publisher's identity key, 33 bytes in hex: the newest packet's manifest has to be signed by it. */
  publisher?: string | undefined;
}

export const LOG_PINS: Names<LogPins> = { logKeys: true, publisher: true };

export interface LogHead {
  origin: string;
  size: number;
  /** Hex. */
  root: string;
  /** The signed note. */
  checkpoint: string;
}

export interface PlacedLeaf {
  index: number;
  leaf: Leaf;
}

/**
 * Follows one log: each checkpoint has to be signed, and its tree to be what the last one's has grown to; each leaf has
 * to be in that tree. One object follows one history, so keep it.
 */
export class VerifiedLog {
  readonly stream: string;
  readonly #pins: LogPins;
  readonly #source: LogSource;
  readonly #keys: LogKeys;
  #head: LogHead | undefined;

  /** @throws ClientError `invalid-argument` for keys that are none */
  constructor(http: Http, stream: string, pins: LogPins = {}, call: CallOptions = {}) {
    const { publisher } = pins;
    if (publisher !== undefined && !isHex(publisher, 33)) {
      throw new ClientError('invalid-argument', 'the publisher is no compressed key in lower-case hex');
    }
    this.stream = stream;
    this.#pins = pins;
    this.#source = new LogSource(http, stream, call);
    this.#keys = new LogKeys(stream, this.#source, pins.logKeys ?? []);
  }

  /** The newest checkpoint that was verified. */
  get head(): LogHead | undefined {
    return this.#head;
  }

  /** Asks for the newest checkpoint. @throws LogError, ClientError */
  async refresh(): Promise<LogHead> {
    const checkpoint = await this.#source.checkpoint();
    const note = this.#parsed(checkpoint);
    const { origin, size, root } = note;
    const before = this.#head;
    await this.#keys.check(note, before?.size ?? 0);
    if (this.#pins.publisher !== undefined) {
      checkPublisher(this.stream, await this.#source.manifest(size), note, this.#pins.publisher);
    }
    const head = { origin, size, root, checkpoint };
    if (before === undefined) this.#head = head;
    else this.#head = await this.#newer(before, head);
    return this.#head;
  }

  /**
   * Leaves `[start, end)`, in order, each proven to be in the tree of the newest checkpoint, which is asked for when
   * the one that is known does not reach so far.
   * @throws LogError `not-certified-yet` where the log does not either; ClientError
   */
  async *leaves(start: number, end: number): AsyncGenerator<PlacedLeaf, void, undefined> {
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start > end) {
      throw new ClientError('invalid-argument', `[${start}, ${end}) is no range of leaves`);
    }
    if (start === end) return;
    let head = this.#head;
    if (head === undefined || head.size < end) head = await this.refresh();
    if (head.size < end) {
      const detail = `it has ${head.size} leaves, and none up to ${end}`;
      throw this.#error('not-certified-yet', detail, { leafIndex: Math.max(start, head.size) });
    }
    for (let from = start; from < end; from = nextBundle(from)) {
      yield* await this.#proven(head, from, Math.min(end, nextBundle(from)));
    }
  }

  /** Leaves of one bundle. */
  async #proven(head: LogHead, start: number, end: number): Promise<PlacedLeaf[]> {
    const index = Math.floor(start / TILE_WIDTH);
    const hashes = await this.#tree(head).leafHashes(start, end);
    if (hashes === undefined) {
      this.#source.forget();
      const detail = `leaves [${start}, ${end}) and the tiles do not make the root that is signed`;
      throw this.#error('root-mismatch', detail, { leafIndex: start });
    }
    const first = index * TILE_WIDTH;
    const entries = await this.#source.entries(index, end - first);
    return entries.slice(start - first).map((entry, place) => {
      // They may have been read again since.
      if (!equal(leafHash(entry), hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES))) {
        throw this.#error('root-mismatch', `leaf ${start + place} is another than before`, {
          leafIndex: start + place,
        });
      }
      return { index: start + place, leaf: this.#leaf(entry, start + place) };
    });
  }

  #leaf(entry: Uint8Array, index: number): Leaf {
    let leaf: Leaf;
    try {
      leaf = parseEntry(entry);
    } catch (cause) {
      if (!(cause instanceof ProofError)) throw cause;
      throw this.#error('malformed', `leaf ${index}: ${cause.message}`, { leafIndex: index, cause });
    }
    if (leaf.stream === this.stream) return leaf;
    throw this.#error('malformed', `leaf ${index} is of the stream ${leaf.stream}`, { leafIndex: index });
  }

  /** The larger of two heads, of which one has to be what the other has grown to. */
  async #newer(known: LogHead, told: LogHead): Promise<LogHead> {
    const evidence = [known.checkpoint, told.checkpoint];
    if (told.origin !== known.origin) {
      throw this.#error('rewritten', `it was the log ${known.origin}, and is ${told.origin} now`, { evidence });
    }
    // One behind a cache, or another of several servers, may be a little behind.
    const [smaller, larger] = told.size < known.size ? [told, known] : [known, told];
    if (smaller.size === larger.size) {
      if (smaller.root === larger.root) return told;
      throw this.#error('forked', `two checkpoints of ${told.size} leaves have different roots`, { evidence });
    }
    const root = await this.#rootAt(smaller, larger, evidence);
    if (root === undefined) {
      this.#source.forget();
      throw this.#error('root-mismatch', `the tiles do not lead from ${smaller.size} leaves to ${larger.size}`);
    }
    if (root !== smaller.root) {
      const detail = `the first ${smaller.size} of its ${larger.size} leaves are not what they were`;
      throw this.#error('rewritten', detail, { evidence });
    }
    return larger;
  }

  async #rootAt(smaller: LogHead, larger: LogHead, evidence: readonly string[]): Promise<string | undefined> {
    try {
      return await this.#tree(larger).rootAt(smaller.size);
    } catch (cause) {
      if (!(cause instanceof ClientError) || cause.code !== 'refused') throw cause;
      const detail = `of ${larger.size} leaves it shows no more than ${smaller.size}`;
      throw this.#error('rewritten', detail, { evidence, cause });
    }
  }

  #tree(head: LogHead): TiledTree {
    return new TiledTree(head, (level, index, width) => this.#source.tile(level, index, width));
  }

  #parsed(text: string): SignedCheckpoint {
    try {
      const note = parseCheckpoint(text);
      if (note.size > 0 && note.origin.endsWith(`/${this.stream}`)) return note;
    } catch (cause) {
      if (!(cause instanceof ProofError)) throw cause;
      throw this.#error('malformed', cause.message, { cause });
    }
    throw this.#error('malformed', 'the checkpoint is not of this log, or of no leaves');
  }

  #error(code: LogErrorCode, detail: string, details: Omit<LogErrorDetails, 'stream'> = {}): LogError {
    return new LogError(code, detail, { stream: this.stream, ...details });
  }
}

function nextBundle(index: number): number {
  return (Math.floor(index / TILE_WIDTH) + 1) * TILE_WIDTH;
}
