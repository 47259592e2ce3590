/**
 * Finds where MessagePack values end without building them, so that a file of a million records is in memory as its
 * bytes alone, and a record that cannot be read spoils only itself.
 */
import { isUtf8 } from 'node:buffer';
import { MAX_EVENT_DEPTH } from '../../json/parse.ts';
import { SpoolError } from '../errors.ts';

/** What was met on the way over a value, which not every value may have. */
export interface Met {
  /** Text that is not UTF-8, which a decoder would mend unseen. */
  badText: boolean;
  /** Bytes, or an extension other than a time. */
  notJson: boolean;
  /** Of arrays and maps in each other, no further than one beyond what an event may have. */
  depth: number;
  /** Values in it and in those, itself included. */
  values: number;
}

const TIME = 0xff;
/** Of values without a length: what follows the first byte, from 0xc0 on; -1 where it is more than that. */
const FIXED = [0, -1, 0, 0, -1, -1, -1, -1, -1, -1, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, -1, -1, -1, -1, -1, -1, -1, -1, -1];

export class Walker {
  readonly #bytes: Buffer;
  #at = 0;
  /** Values that are left of each array or map that is open, the innermost last; the last one may stand for several. */
  readonly #open: number[] = [];
  readonly #met: Met = { badText: false, notJson: false, depth: 0, values: 0 };

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Length of the array (or pairs of the map) that begins here, whose first value is next. @returns undefined for others */
  enter(what: 'array' | 'map'): number | undefined {
    const [fix, mask, long] = what === 'array' ? [0x90, 0xf0, 0xdc] : [0x80, 0xf0, 0xde];
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw ended();
    if ((byte & mask) === fix) {
      this.#at++;
      return byte & 0x0f;
    }
    if (byte !== long && byte !== long + 1) return undefined;
    this.#at++;
    return this.#number(byte === long ? 2 : 4);
  }

  /** The bytes of the value that begins here. @throws SpoolError `file-malformed` */
  value(): Buffer {
    const start = this.#at;
    this.#met.badText = false;
    this.#met.notJson = false;
    this.#met.depth = 0;
    this.#met.values = 0;
    const open = this.#open;
    open.length = 0;
    open.push(1);
    for (;;) {
      let last = open.length - 1;
      while (last >= 0 && open[last] === 0) {
        open.pop();
        last--;
      }
      if (last < 0) break;
      (open[last] as number)--;
      this.#met.values++;
      this.#one();
    }
    return this.#bytes.subarray(start, this.#at);
  }

  /** On the way over the last value; the next one changes it. */
  get met(): Readonly<Met> {
    return this.#met;
  }

  #one(): void {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw ended();
    if (byte < 0x80 || byte >= 0xe0) return;
    if (byte < 0x90) this.#enterAll((byte & 0x0f) * 2);
    else if (byte < 0xa0) this.#enterAll(byte & 0x0f);
    else if (byte < 0xc0) this.#text(byte & 0x1f);
    else this.#long(byte);
  }

  #long(byte: number): void {
    const fixed = FIXED[byte - 0xc0] ?? -1;
    if (fixed >= 0) this.#skip(fixed);
    else if (byte >= 0xd9 && byte <= 0xdb) this.#text(this.#number(1 << (byte - 0xd9)));
    else if (byte === 0xdc || byte === 0xdd) this.#enterAll(this.#number(byte === 0xdc ? 2 : 4));
    else if (byte === 0xde || byte === 0xdf) this.#enterAll(this.#number(byte === 0xde ? 2 : 4) * 2);
    else if (byte >= 0xd4 && byte <= 0xd8) this.#extension(1 << (byte - 0xd4));
    else if (byte >= 0xc7 && byte <= 0xc9) this.#extension(this.#number(1 << (byte - 0xc7)));
    else if (byte >= 0xc4 && byte <= 0xc6) {
      this.#met.notJson = true;
      this.#skip(this.#number(1 << (byte - 0xc4)));
    } else throw new SpoolError('file-malformed', `not MessagePack: unused type at byte ${this.#at - 1}`);
  }

  /** Where it ends can be told from a sum as well, so what is too deep takes no memory. */
  #enterAll(values: number): void {
    const open = this.#open;
    // Each takes a byte at least.
    if (values > this.#bytes.length - this.#at) throw ended();
    if (open.length <= MAX_EVENT_DEPTH + 1) open.push(values);
    else open[open.length - 1] = (open.at(-1) as number) + values;
    const depth = open.length - 1;
    if (depth > this.#met.depth) this.#met.depth = depth;
  }

  #text(length: number): void {
    const start = this.#at;
    this.#skip(length);
    for (let at = start; at < this.#at; at++) {
      if ((this.#bytes[at] as number) < 0x80) continue;
      if (!isUtf8(this.#bytes.subarray(at, this.#at))) this.#met.badText = true;
      return;
    }
  }

  #extension(length: number): void {
    if (this.#bytes[this.#at] !== TIME) this.#met.notJson = true;
    this.#skip(length + 1);
  }

  #number(bytes: number): number {
    const start = this.#at;
    this.#skip(bytes);
    return this.#bytes.readUIntBE(start, bytes);
  }

  #skip(bytes: number): void {
    this.#at += bytes;
    if (this.#at > this.#bytes.length) throw ended();
  }
}

function ended(): SpoolError {
  return new SpoolError('file-malformed', 'not MessagePack: it ends inside a value');
}
