/** The keys that may sign a log's checkpoints: those that are pinned, and those that took their place since. */
import {
  type ControlLeaf,
  type Leaf,
  ProofError,
  parseEntry,
  parseVerifierKey,
  type SignedCheckpoint,
  TILE_WIDTH,
  type VerifierKey,
  verifyCheckpoint,
  verifyControl,
} from '@tidemark/proof';
import { ClientError, LogError } from './errors.ts';
import type { LogSource } from './log-source.ts';

export class LogKeys {
  readonly #stream: string;
  readonly #source: LogSource;
  readonly #pinned: boolean;
  /** Verifier keys, the newest last; empty until the first checkpoint where none is pinned. */
  #keys: string[];

  /** @throws ClientError `invalid-argument` */
  constructor(stream: string, source: LogSource, pinned: readonly string[]) {
    this.#stream = stream;
    this.#source = source;
    this.#pinned = pinned.length > 0;
    this.#keys = pinned.filter((text) => isOf(stream, pinnedKey(text)));
  }

  /**
   * @param known size of the tree that was verified last
   * @throws LogError `signature-invalid` unless a key of this log, pinned or following from one, signs the checkpoint
   */
  async check(note: SignedCheckpoint, known: number): Promise<void> {
    if (this.#keys.length === 0) {
      if (this.#pinned) throw this.#invalid(`no pinned key is of the log ${note.origin}`);
      this.#keys = [await this.#source.key()];
    }
    if (this.#signs(note)) return;
    const shown = await this.#follow(known, note.size);
    if (this.#signs(note)) return;
    this.#source.forget();
    throw this.#invalid(`the checkpoint is not signed by the key in force${shown ? '' : ', nor are its leaves there'}`);
  }

  #signs(note: SignedCheckpoint): boolean {
    return this.#keys.some((text) => {
      const key = this.#parsed(text);
      return key.name === note.origin && verifyCheckpoint(note, key) === 'valid';
    });
  }

  /**
   * The log itself says which key takes over, in a leaf that the key before has signed: nothing else is believed.
   * @returns whether the leaves that the checkpoint speaks of are there
   */
  async #follow(from: number, to: number): Promise<boolean> {
    try {
      await this.#readRotations(from, to);
      return true;
    } catch (error) {
      if (error instanceof ClientError && error.code === 'refused') return false;
      throw error;
    }
  }

  async #readRotations(from: number, to: number): Promise<void> {
    for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index++) {
      const width = Math.min(TILE_WIDTH, to - index * TILE_WIDTH);
      for (const entry of await this.#source.entries(index, width)) {
        const leaf = leafOf(entry);
        if (leaf?.kind === 'control' && leaf.action === 'key-rotated') this.#rotate(leaf);
      }
    }
  }

  #rotate(leaf: ControlLeaf): void {
    const { logKey } = (leaf.data ?? {}) as { logKey?: unknown };
    const key = this.#keys.at(-1)!;
    if (typeof logKey !== 'string' || leaf.stream !== this.#stream || !verifyControl(leaf, key)) return;
    // The packet that the leaf is in may still be signed by the one before.
    if (isOf(this.#stream, this.#parsed(logKey))) this.#keys = [key, logKey];
  }

  #parsed(text: string): VerifierKey {
    try {
      return parseVerifierKey(text);
    } catch (cause) {
      throw new LogError('malformed', `${text.slice(0, 200)} is no key of a log`, { stream: this.#stream, cause });
    }
  }

  #invalid(detail: string): LogError {
    return new LogError('signature-invalid', detail, { stream: this.#stream });
  }
}

/** A log's key has the log's origin as its name, which ends with the stream. */
function isOf(stream: string, { name, type }: VerifierKey): boolean {
  return type === 'log' && name.endsWith(`/${stream}`);
}

function pinnedKey(text: string): VerifierKey {
  try {
    return parseVerifierKey(text);
  } catch (cause) {
    throw new ClientError('invalid-argument', `${text} is no verifier key`, { cause });
  }
}

/** What is no leaf rotates no key; whoever reads it as a leaf says so. */
function leafOf(entry: Uint8Array): Leaf | undefined {
  try {
    return parseEntry(entry);
  } catch (cause) {
    if (cause instanceof ProofError) return undefined;
    throw cause;
  }
}
