/** Lines of a byte stream, a batch at a time; memory does not grow with the file. */
import type { Readable } from 'node:stream';

const NEWLINE = 0x0a;

export class Lines {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(source: Readable) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Up to `count` lines that are not empty; none at the end. */
  async next(count: number): Promise<Buffer[]> {
    const lines: Buffer[] = [];
    while (lines.length < count) {
      const line = this.#line();
      if (line !== undefined) {
        if (line.length > 0) lines.push(line);
      } else if (!this.#ended) await this.#more();
      else {
        if (this.#rest.length > 0) lines.push(this.#rest);
        this.#rest = Buffer.alloc(0);
        break;
      }
    }
    return lines;
  }

  #line(): Buffer | undefined {
    const end = this.#rest.indexOf(NEWLINE);
    if (end === -1) return undefined;
    const line = this.#rest.subarray(0, end);
    this.#rest = this.#rest.subarray(end + 1);
    return line;
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#chunks.next();
    if (done === true) this.#ended = true;
    else this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
  }
}
