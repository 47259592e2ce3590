/** A log over HTTP as C2SP tlog-tiles has it, and the list of those that a server has. */
import { decodeEntries, formatTilePath, MAX_LEAF_BYTES, ProofError, TILE_WIDTH } from '@tidemark/proof';
import { fetchBytes, fetchIfThere, type LogServer } from './fetch-bounded.ts';
import { AuditError } from './findings.ts';

const HASH_BYTES = 32;
/** A checkpoint with its cosignatures, or a manifest with what each source is through. */
const MAX_TEXT_BYTES = 1024 * 1024;
/** A list has a few hundred bytes a log. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;
const MAX_BUNDLE_BYTES = TILE_WIDTH * (MAX_LEAF_BYTES + 2);

/** The server's streams that have a log. @throws AuditError */
export async function listLogs(server: LogServer): Promise<string[]> {
  const list = jsonOf(await fetchBytes(server, 'log', MAX_LIST_BYTES), 'the list of logs') as {
    items?: unknown;
  } | null;
  if (!Array.isArray(list?.items)) throw new AuditError('malformed', 'the list of logs is not one');
  return list.items.map((item: { stream?: unknown } | null) => {
    if (typeof item?.stream === 'string' && item.stream !== '') return item.stream;
    throw new AuditError('malformed', 'the list of logs has an item without a stream');
  });
}

export class TiledLog {
  readonly #server: LogServer;
  readonly #path: string;

  constructor(server: LogServer, stream: string) {
    this.#server = server;
    this.#path = `log/${encodeURIComponent(stream)}`;
  }

  /** The newest signed note. */
  async checkpoint(): Promise<string> {
    return textOf(await this.#fetch('checkpoint', MAX_TEXT_BYTES), 'the checkpoint');
  }

  /** The manifest of the packet that ends at `size`, as it came; undefined where the log serves none. */
  async manifest(size: number): Promise<unknown> {
    const bytes = await fetchIfThere(this.#server, `${this.#path}/manifest?size=${size}`, MAX_TEXT_BYTES);
    if (bytes === undefined) return undefined;
    return (jsonOf(bytes, 'the manifest') as { manifest?: unknown } | null)?.manifest ?? null;
  }

  /** Hashes, end to end. */
  async tile(level: number, index: number, width: number): Promise<Uint8Array> {
    const path = `tile/${formatTilePath({ level, index, width })}`;
    const tile = await this.#fetch(path, TILE_WIDTH * HASH_BYTES);
    if (tile.length === width * HASH_BYTES) return tile;
    throw new AuditError('malformed', `${path} has ${tile.length} bytes, not ${width} hashes`);
  }

  async entries(index: number, width: number): Promise<Uint8Array[]> {
    const path = `tile/${formatTilePath({ level: 'entries', index, width })}`;
    const entries = unpacked(await this.#fetch(path, MAX_BUNDLE_BYTES), path);
    if (entries.length === width) return entries;
    throw new AuditError('malformed', `${path} has ${entries.length} entries, not ${width}`);
  }

  #fetch(path: string, maxBytes: number): Promise<Uint8Array> {
    return fetchBytes(this.#server, `${this.#path}/${path}`, maxBytes);
  }
}

function unpacked(bundle: Uint8Array, path: string): Uint8Array[] {
  try {
    return decodeEntries(bundle);
  } catch (cause) {
    if (cause instanceof ProofError) throw new AuditError('malformed', `${path}: ${cause.message}`, { cause });
    throw cause;
  }
}

function textOf(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new AuditError('malformed', `${what} is not UTF-8`, { cause });
  }
}

function jsonOf(bytes: Uint8Array, what: string): unknown {
  const text = textOf(bytes, what);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AuditError('malformed', `${what} is not JSON`, { cause });
  }
}
