/**
 * Where the frames of a zstd file end (RFC 8878, section 3.1). A decompressor takes up to three bytes after a frame for
 * the start of the next, and says nothing when the file ends there.
 */

/** Bytes that are wanted: looked at, or passed over. */
interface Step {
  bytes: number;
  look: boolean;
}

const MAGIC = 0xfd2fb528;
/** Of frames that hold something else than data; the last four bits are free. */
const SKIPPABLE = 0x184d2a50;
const CHECKSUM_BYTES = 4;
const RUN_LENGTH = 1;
const START: Step = { bytes: 4, look: true };
const NOTHING = Buffer.alloc(0);

export class ZstdFrames {
  readonly #steps = frames();
  #step: Step | undefined;
  /** Of a step that looks: what has come of its bytes. */
  #held = NOTHING;
  /** Bytes that the step still wants. */
  #left = 0;

  constructor() {
    this.#next(NOTHING);
  }

  /** Whether all that was added is frames, each of them whole. */
  get whole(): boolean {
    return this.#step === START && this.#left === START.bytes;
  }

  add(piece: Buffer): void {
    let at = 0;
    while (this.#step !== undefined && at < piece.length) {
      const part = piece.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      if (this.#step.look) this.#held = Buffer.concat([this.#held, part]);
      if (this.#left === 0) this.#next(this.#held);
    }
  }

  #next(bytes: Buffer): void {
    this.#held = NOTHING;
    do {
      this.#step = this.#steps.next(bytes).value;
      this.#left = this.#step?.bytes ?? 0;
    } while (this.#step?.bytes === 0);
  }
}

/** @returns at what is no frame */
function* frames(): Generator<Step, undefined, Buffer> {
  for (;;) {
    const magic = (yield START).readUInt32LE();
    if (magic === MAGIC) yield* dataFrame();
    else if ((magic & ~0xf) === SKIPPABLE) yield skip((yield look(4)).readUInt32LE());
    else return undefined;
  }
}

function* dataFrame(): Generator<Step, void, Buffer> {
  const descriptor = (yield look(1)).readUInt8();
  const oneSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? Number(oneSegment) : 1 << sizeFlag;
  const dictionaryBytes = (1 << (descriptor & 3)) >> 1;
  yield skip(Number(!oneSegment) + dictionaryBytes + sizeBytes);
  for (let last = false; !last; ) {
    const block = (yield look(3)).readUIntLE(0, 3);
    last = (block & 1) === 1;
    yield skip(((block >> 1) & 3) === RUN_LENGTH ? 1 : block >> 3);
  }
  if ((descriptor & 4) !== 0) yield skip(CHECKSUM_BYTES);
}

function look(bytes: number): Step {
  return { bytes, look: true };
}

function skip(bytes: number): Step {
  return { bytes, look: false };
}
