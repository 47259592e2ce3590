/** Packet contents as files named by their SHA-256. A file is complete and on disk before it has its name. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasync as fdatasyncCallback,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { StoreError } from './errors.ts';

const fdatasync = promisify(fdatasyncCallback);

const DIRECTORY = 'packets';
const UNFINISHED = 'unfinished';

/** Where the contents of packets go while they grow. */
export interface PacketStore {
  /** @param start first leaf of the packet */
  create(stream: string, start: number): ContentWriter;
}

/** Takes one content, whole lines at a time. */
export interface ContentWriter {
  write(lines: Uint8Array): void;
  /** The content is complete. `durable` settles when it is where it has to be. */
  finish(): { contentHash: string; sizeBytes: number; durable: Promise<void> };
  /** It will not be finished. */
  abandon(): void;
}

export class PacketFiles implements PacketStore {
  readonly #dir: string;
  #created = 0;

  constructor(dataDir: string) {
    this.#dir = join(dataDir, DIRECTORY);
  }

  /** For the one process that writes: makes the folders and drops what a crash left unfinished. */
  prepare(): void {
    rmSync(join(this.#dir, UNFINISHED), { recursive: true, force: true });
    mkdirSync(join(this.#dir, UNFINISHED), { recursive: true });
  }

  create(): PacketWriter {
    return new PacketWriter(join(this.#dir, UNFINISHED, String(++this.#created)), (hash) => this.path(hash));
  }

  /** Bytes `[start, end)` of a packet's content. */
  read(contentHash: string, start: number, end: number): Buffer {
    const fd = openSync(this.existing(contentHash), 'r');
    try {
      const bytes = Buffer.allocUnsafe(end - start);
      const length = readSync(fd, bytes, 0, bytes.length, start);
      if (length < bytes.length) throw new StoreError('damaged', `packet content ${contentHash} is cut short`);
      return bytes;
    } finally {
      closeSync(fd);
    }
  }

  /** All of a content, as text. */
  whole(contentHash: string): string {
    return readFileSync(this.existing(contentHash), 'utf8');
  }

  /** Hashes of all contents that are there. */
  *list(): Generator<string> {
    for (const folder of readdirSync(this.#dir)) {
      if (folder === UNFINISHED) continue;
      for (const file of readdirSync(join(this.#dir, folder))) yield file.slice(0, 64);
    }
  }

  /** The file that holds the content. @throws StoreError `damaged` where there is none */
  existing(contentHash: string): string {
    const path = this.path(contentHash);
    if (!existsSync(path)) throw new StoreError('damaged', `packet content ${contentHash} is missing`);
    return path;
  }

  /** The file that holds the content, if there is one. */
  path(contentHash: string): string {
    return join(this.#dir, contentHash.slice(0, 2), `${contentHash}.ndjson`);
  }
}

/** Writes one content, hashing as it goes; memory does not grow with the packet. */
export class PacketWriter implements ContentWriter {
  readonly #path: string;
  readonly #finalPath: (hash: string) => string;
  readonly #hash = createHash('sha256');
  /** Opened by the first write, so that a stream with little to say holds no file. */
  #fd: number | undefined;
  #size = 0;

  constructor(path: string, finalPath: (hash: string) => string) {
    this.#path = path;
    this.#finalPath = finalPath;
  }

  write(bytes: Uint8Array): void {
    this.#fd ??= openSync(this.#path, 'w');
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    this.#size += bytes.length;
  }

  /** The content is complete. `durable` settles when it is on disk under its hash; until then the disk has its time. */
  finish(): { contentHash: string; sizeBytes: number; durable: Promise<void> } {
    const fd = this.#fd ?? openSync(this.#path, 'w');
    this.#fd = undefined;
    const contentHash = this.#hash.digest('hex');
    const durable = settle(fd, this.#path, this.#finalPath(contentHash));
    // Whoever commits the packet hears of a failure; until somebody does, Node would end the thread for it.
    durable.catch(() => undefined);
    return { contentHash, sizeBytes: this.#size, durable };
  }

  abandon(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

async function settle(fd: number, path: string, finalPath: string): Promise<void> {
  try {
    await fdatasync(fd);
  } finally {
    closeSync(fd);
  }
  const folder = dirname(finalPath);
  if ((await mkdir(folder, { recursive: true })) !== undefined) await syncDirectory(dirname(folder));
  await rename(path, finalPath);
  await syncDirectory(folder);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
