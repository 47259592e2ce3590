/**
 * The journaled form of a batch of events: one block of fixed-size headers, one block of raw bytes. A batch is read
 * and written whole, so an event costs no row and no object of its own on the way to and from the disk. On salted
 * streams there is a third block: the salts, 32 bytes each.
 *
 * Header of an event, 60 bytes: event id (16) · raw hash (32) · end of its bytes in `raw` (u32) · seq of the version it
 * supersedes, 0 for none (u64, big-endian).
 */
import { SALT_BYTES } from '../salt.ts';

const EVENT_ID = 0;
const RAW_HASH = 16;
const RAW_END = 48;
const SUPERSEDES = 52;
const HEADER_BYTES = 60;
/** No salt that was drawn is all zeros. */
const NO_SALT = Buffer.alloc(SALT_BYTES);

export class EventBatch {
  readonly headers: Buffer;
  /** While the batch is being built, a larger one may come in its place. */
  raw: Buffer;
  /** Undefined on streams that are not salted. */
  readonly salts: Buffer | undefined;
  readonly count: number;

  constructor(headers: Uint8Array, raw: Uint8Array, salts?: Uint8Array) {
    this.headers = asBuffer(headers);
    this.raw = asBuffer(raw);
    this.salts = salts && asBuffer(salts);
    this.count = headers.length / HEADER_BYTES;
  }

  /** 32 hex digits. */
  eventId(index: number): string {
    const at = index * HEADER_BYTES + EVENT_ID;
    return this.headers.toString('hex', at, at + 16);
  }

  /** The first 8 bytes of the event id, as two unsigned 32-bit numbers: the key of the fingerprint index. */
  fingerprintHigh(index: number): number {
    return this.headers.readUInt32BE(index * HEADER_BYTES + EVENT_ID);
  }

  fingerprintLow(index: number): number {
    return this.headers.readUInt32BE(index * HEADER_BYTES + EVENT_ID + 4);
  }

  /** Event id and raw hash, in one look at the header: half the price of two. */
  hashes(index: number): { eventId: string; rawHash: string } {
    const at = index * HEADER_BYTES;
    const hex = this.headers.toString('hex', at, at + RAW_END);
    return { eventId: hex.slice(0, 32), rawHash: hex.slice(32) };
  }

  /** 64 hex digits. */
  rawHash(index: number): string {
    const at = index * HEADER_BYTES + RAW_HASH;
    return this.headers.toString('hex', at, at + 32);
  }

  bytes(index: number): Buffer {
    return this.raw.subarray(this.#start(index), this.#end(index));
  }

  text(index: number): string {
    return this.raw.toString('utf8', this.#start(index), this.#end(index));
  }

  /** Undefined on streams that are not salted. */
  salt(index: number): Buffer | undefined {
    return this.salts?.subarray(index * SALT_BYTES, (index + 1) * SALT_BYTES);
  }

  /** Bytes and salt are gone. */
  isErased(index: number): boolean {
    return this.salt(index)?.equals(NO_SALT) ?? false;
  }

  /** A copy in which nothing is left of this event but its header. */
  without(index: number): EventBatch {
    const raw = Buffer.from(this.raw);
    raw.fill(0, this.#start(index), this.#end(index));
    const salts = this.salts && Buffer.from(this.salts);
    salts?.fill(NO_SALT, index * SALT_BYTES, (index + 1) * SALT_BYTES);
    return new EventBatch(this.headers, raw, salts);
  }

  sameBytes(index: number, other: EventBatch, otherIndex: number): boolean {
    return this.bytes(index).equals(other.bytes(otherIndex));
  }

  supersedes(index: number): number | undefined {
    const at = index * HEADER_BYTES + SUPERSEDES;
    const seq = this.headers.readUInt32BE(at) * 0x1_0000_0000 + this.headers.readUInt32BE(at + 4);
    return seq === 0 ? undefined : seq;
  }

  sameEventId(index: number, other: EventBatch, otherIndex: number): boolean {
    return this.#sameHeader(index, other, otherIndex, EVENT_ID, RAW_HASH);
  }

  sameRawHash(index: number, other: EventBatch, otherIndex: number): boolean {
    return this.#sameHeader(index, other, otherIndex, RAW_HASH, RAW_END);
  }

  #sameHeader(index: number, other: EventBatch, otherIndex: number, from: number, to: number): boolean {
    const at = index * HEADER_BYTES;
    const otherAt = otherIndex * HEADER_BYTES;
    return this.headers.compare(other.headers, otherAt + from, otherAt + to, at + from, at + to) === 0;
  }

  #start(index: number): number {
    return index === 0 ? 0 : this.#end(index - 1);
  }

  #end(index: number): number {
    return this.headers.readUInt32BE(index * HEADER_BYTES + RAW_END);
  }
}

/** Collects up to `capacity` events. Those whose bytes are at most `rawCapacity` together are copied once. */
export class EventBatchBuilder {
  /** What has been added so far can be read here, at the places that `add` gave. */
  readonly batch: EventBatch;
  readonly #headers: Buffer;
  #count = 0;
  #rawLength = 0;

  /** @param salts of the events to come, in order, for a salted stream */
  constructor(capacity: number, rawCapacity: number, salts?: Buffer) {
    this.#headers = Buffer.alloc(capacity * HEADER_BYTES);
    this.batch = new EventBatch(this.#headers, Buffer.allocUnsafeSlow(rawCapacity), salts);
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Adds an event. Both hashes are given as latin1 text, one character a byte: on Node 26 the digest comes out in this
   * form in 0.7 µs, as a Buffer in 2 µs.
   * @returns the event's place in the batch
   */
  add(eventIdDigest: string, rawDigest: string, bytes: Uint8Array): number {
    const at = this.#count * HEADER_BYTES;
    this.#headers.write(eventIdDigest, at + EVENT_ID, 16, 'latin1');
    this.#headers.write(rawDigest, at + RAW_HASH, 32, 'latin1');
    if (this.#rawLength + bytes.length > this.batch.raw.length) this.#grow(bytes.length);
    this.batch.raw.set(bytes, this.#rawLength);
    this.#rawLength += bytes.length;
    this.#headers.writeUInt32BE(this.#rawLength, at + RAW_END);
    return this.#count++;
  }

  /** Takes back the event that was added last, which must not have been marked. */
  dropLast(): void {
    this.#count--;
    this.#rawLength = this.#count === 0 ? 0 : this.#headers.readUInt32BE((this.#count - 1) * HEADER_BYTES + RAW_END);
  }

  markSuperseding(place: number, seq: number): void {
    const at = place * HEADER_BYTES + SUPERSEDES;
    this.#headers.writeUInt32BE(Math.floor(seq / 0x1_0000_0000), at);
    this.#headers.writeUInt32BE(seq >>> 0, at + 4);
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#rawLength, this.#rawLength + bytes));
    larger.set(this.batch.raw.subarray(0, this.#rawLength));
    this.batch.raw = larger;
  }

  /** All that was added, and no more. */
  finish(): EventBatch {
    return new EventBatch(
      this.#headers.subarray(0, this.#count * HEADER_BYTES),
      this.batch.raw.subarray(0, this.#rawLength),
      this.batch.salts?.subarray(0, this.#count * SALT_BYTES),
    );
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
