/** A packet's content as it is derived anew: hashed, held against the stored one, and not kept. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import type { ContentWriter } from '../store/packets.ts';

const NEWLINE = 0x0a;
const LARGEST_READ_BYTES = 1024 * 1024;

/** The first line that differs. */
export interface ContentDifference {
  /** Where it begins, in both. */
  offset: number;
  /** The derived one, without its newline; undefined where the stored content has more lines. */
  line: string | undefined;
}

export class ComparedContent implements ContentWriter {
  readonly #path: string | undefined;
  readonly #sealed: () => void;
  readonly #storedSize: number;
  readonly #hash = createHash('sha256');
  #size = 0;
  #difference: ContentDifference | undefined;

  /**
   * @param path of the stored content; undefined where there is none to compare with
   * @param sealed called when the packet is complete
   */
  constructor(path: string | undefined, sealed: () => void) {
    this.#path = path !== undefined && existsSync(path) ? path : undefined;
    this.#sealed = sealed;
    this.#storedSize = this.#path === undefined ? 0 : statSync(this.#path).size;
  }

  /** Undefined where all is the same, or there is nothing to compare with. */
  get difference(): ContentDifference | undefined {
    return this.#difference;
  }

  /** Whether there is a stored content. */
  get isStored(): boolean {
    return this.#path !== undefined;
  }

  write(lines: Uint8Array): void {
    this.#hash.update(lines);
    if (this.#path !== undefined && this.#difference === undefined) this.#compare(this.#path, asBuffer(lines));
    this.#size += lines.length;
  }

  finish(): { contentHash: string; sizeBytes: number; durable: Promise<void> } {
    if (this.#path !== undefined && this.#storedSize > this.#size) {
      this.#difference ??= { offset: this.#size, line: undefined };
    }
    this.#sealed();
    return { contentHash: this.#hash.digest('hex'), sizeBytes: this.#size, durable: Promise.resolve() };
  }

  abandon(): void {}

  #compare(path: string, lines: Buffer): void {
    const fd = openSync(path, 'r');
    try {
      for (let at = 0; at < lines.length; at += LARGEST_READ_BYTES) {
        const part = lines.subarray(at, at + LARGEST_READ_BYTES);
        const length = readSync(fd, scratch, 0, part.length, this.#size + at);
        if (length === part.length && part.equals(scratch.subarray(0, length))) continue;
        const same = commonLength(part, scratch.subarray(0, length));
        this.#difference = lineAt(lines, at + same, this.#size);
        return;
      }
    } finally {
      closeSync(fd);
    }
  }
}

/** One for all contents: each comparison is over before the next begins. */
const scratch = Buffer.allocUnsafeSlow(LARGEST_READ_BYTES);

function commonLength(a: Buffer, b: Buffer): number {
  let length = 0;
  while (length < b.length && a[length] === b[length]) length++;
  return length;
}

function lineAt(lines: Buffer, at: number, offset: number): ContentDifference {
  const start = at === 0 ? 0 : lines.lastIndexOf(NEWLINE, at - 1) + 1;
  return { offset: offset + start, line: lines.toString('utf8', start, lines.indexOf(NEWLINE, at)) };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
