/** A log over HTTP as C2SP tlog-tiles has it: what is read here is not verified yet. */
import {
  decodeEntries,
  formatTilePath,
  fromUtf8,
  leafHash,
  MAX_LEAF_BYTES,
  ProofError,
  TILE_WIDTH,
} from '@tidemark/proof';
import { ClientError, LogError } from './errors.ts';
import type { CallOptions, Http } from './http.ts';

const HASH_BYTES = 32;
/** A checkpoint with its cosignatures, or a manifest with what each source is through. */
const MAX_TEXT_BYTES = 1024 * 1024;
const MAX_BUNDLE_BYTES = TILE_WIDTH * (MAX_LEAF_BYTES + 2);
/** Bundles kept, each of up to 256 leaves: the ones at the end, which are asked for again and again. */
const KEPT_BUNDLES = 4;
const KEPT_TILES = 64;

export class LogSource {
  readonly #http: Http;
  readonly #stream: string;
  readonly #path: string;
  readonly #call: CallOptions;
  readonly #bundles = new Recent<readonly Uint8Array[]>(KEPT_BUNDLES);
  readonly #tiles = new Recent<Uint8Array>(KEPT_TILES);

  constructor(http: Http, stream: string, call: CallOptions) {
    this.#http = http;
    this.#stream = stream;
    this.#path = `log/${encodeURIComponent(stream)}`;
    this.#call = call;
  }

  /** The newest signed note. */
  async checkpoint(): Promise<string> {
    return this.#text(await this.#get('checkpoint', MAX_TEXT_BYTES), 'the checkpoint');
  }

  /** The manifest of the packet that ends at `size`, as it came. */
  async manifest(size: number): Promise<unknown> {
    const { manifest } = this.#object(await this.#get(`manifest?size=${size}`, MAX_TEXT_BYTES), 'the manifest');
    return manifest;
  }

  /** The log's key, as the server says. */
  async key(): Promise<string> {
    const { logKey } = this.#object(await this.#get('key', MAX_TEXT_BYTES), 'the key');
    if (typeof logKey !== 'string') throw this.#malformed('the log shows no key');
    return logKey;
  }

  /** Entries `[256 × index, 256 × index + width)`. */
  async entries(index: number, width: number): Promise<readonly Uint8Array[]> {
    const known = this.#bundles.get(String(index));
    if (known !== undefined && known.length >= width) return known.slice(0, width);
    const path = `tile/${formatTilePath({ level: 'entries', index, width })}`;
    const entries = this.#unpacked(await this.#get(path, MAX_BUNDLE_BYTES), path);
    if (entries.length !== width) throw this.#malformed(`${path} has ${entries.length} entries, not ${width}`);
    this.#bundles.set(String(index), entries);
    return entries;
  }

  /**
   * Hashes, end to end. Those of leaves are made from the entries, which are wanted anyway: so what is proven of the
   * hashes holds of these very entries, and takes no further request.
   */
  async tile(level: number, index: number, width: number): Promise<Uint8Array> {
    if (level === 0) return leafHashes(await this.entries(index, width));
    const path = `tile/${formatTilePath({ level, index, width })}`;
    const known = this.#tiles.get(path);
    if (known !== undefined) return known;
    const tile = await this.#get(path, TILE_WIDTH * HASH_BYTES);
    if (tile.length !== width * HASH_BYTES) throw this.#malformed(`${path} has ${tile.length} bytes`);
    this.#tiles.set(path, tile);
    return tile;
  }

  /** Something of what was read is not of the log: none of it is relied on again. */
  forget(): void {
    this.#bundles.clear();
    this.#tiles.clear();
  }

  async #get(path: string, maxBytes: number): Promise<Uint8Array> {
    try {
      return await this.#http.bytes(`${this.#path}/${path}`, maxBytes, this.#call);
    } catch (cause) {
      if (!(cause instanceof ClientError) || cause.problem !== 'not-certified-yet') throw cause;
      throw new LogError('not-certified-yet', 'nothing of it is sealed yet', { stream: this.#stream, cause });
    }
  }

  #unpacked(bundle: Uint8Array, path: string): Uint8Array[] {
    try {
      return decodeEntries(bundle);
    } catch (cause) {
      if (cause instanceof ProofError) throw this.#malformed(`${path}: ${cause.message}`, cause);
      throw cause;
    }
  }

  #text(bytes: Uint8Array, what: string): string {
    try {
      return fromUtf8(bytes);
    } catch (cause) {
      throw this.#malformed(`${what} is not UTF-8`, cause);
    }
  }

  #object(bytes: Uint8Array, what: string): Record<string, unknown> {
    const text = this.#text(bytes, what);
    try {
      return (JSON.parse(text) ?? {}) as Record<string, unknown>;
    } catch (cause) {
      throw this.#malformed(`${what} is not JSON`, cause);
    }
  }

  #malformed(detail: string, cause?: unknown): LogError {
    return new LogError('malformed', detail, { stream: this.#stream, cause });
  }
}

function leafHashes(entries: readonly Uint8Array[]): Uint8Array {
  const hashes = new Uint8Array(entries.length * HASH_BYTES);
  for (const [place, entry] of entries.entries()) hashes.set(leafHash(entry), place * HASH_BYTES);
  return hashes;
}

/** The values that were asked for last. */
class Recent<T> {
  readonly #values = new Map<string, T>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: string): T | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: T): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#limit) this.#values.delete(this.#values.keys().next().value!);
  }

  clear(): void {
    this.#values.clear();
  }
}
