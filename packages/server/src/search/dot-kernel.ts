/**
 * Dot products of many 8-bit vectors with one of 16 bits, sixteen components at a time: the one loop of the index that
 * JavaScript has no instructions for. The module below is this, in the WebAssembly text format:
 *
 *     (func (export "dots") (param $codes i32) (param $query i32) (param $out i32) (param $rows i32) (param $bytes i32)
 *       (local $end i32) (local $q i32) (local $sum v128) (local $code v128)
 *       (loop $row
 *         sum = 0; q = query; end = codes + bytes
 *         (loop $part
 *           code = load(codes)
 *           sum += dot(extend_low(code), load(q)); sum += dot(extend_high(code), load(q + 16))
 *           q += 32; codes += 16
 *           (br_if $part (codes < end)))
 *         store(out, the four lanes of sum added)
 *         out += 4; rows -= 1
 *         (br_if $row (rows))))
 *
 * https://webassembly.github.io/spec/core/binary/
 */

/**
 * `rows` codes, one after another from byte `codes` on, each of `bytes` bytes, which is a multiple of 16; `query` has as
 * many components of 16 bits. The sums, 32 bits each, go to `out`. At least one row.
 */
export type Dots = (codes: number, query: number, out: number, rows: number, bytes: number) => void;

export const PAGE_BYTES = 65_536;
/** All that the module can name. */
const MAX_PAGES = 65_536;

/** As much of it as is used here: the language's own declarations have it for browsers alone. */
declare namespace WebAssembly {
  class Memory {
    constructor(pages: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
}

export interface Kernel {
  memory: Pick<WebAssembly.Memory, 'buffer' | 'grow'>;
  dots: Dots;
}

const I32 = 0x7f;
const V128 = 0x7b;
const EMPTY = 0x40;
/** Locals, in their order above. */
const CODES = 0;
const QUERY = 1;
const OUT = 2;
const ROWS = 3;
const BYTES = 4;
const END = 5;
const Q = 6;
const SUM = 7;
const CODE = 8;

const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const constant = (value: number) => [0x41, value];
const ADD = [0x6a];
const SUB = [0x6b];
const LESS = [0x49];
const END_BLOCK = [0x0b];
const loop = (...body: number[][]) => [0x03, EMPTY, ...body.flat(), ...END_BLOCK];
const againIf = [0x0d, 0];
const simd = (opcode: number) => (opcode < 0x80 ? [0xfd, opcode] : [0xfd, (opcode & 0x7f) | 0x80, opcode >> 7]);
const load = (offset: number) => [...simd(0x00), 4, offset];
const SPLAT = simd(0x11);
const lane = (index: number) => [...get(SUM), ...simd(0x1b), index];
const EXTEND_LOW = simd(0x87);
const EXTEND_HIGH = simd(0x88);
const ADD_LANES = simd(0xae);
const DOT = simd(0xba);
const STORE = [0x36, 2, 0];

const half = (extend: number[], offset: number) => [
  ...[...get(SUM), ...get(CODE), ...extend, ...get(Q), ...load(offset)],
  ...[...DOT, ...ADD_LANES, ...set(SUM)],
];

const BODY = [
  ...loop(
    [...constant(0), ...SPLAT, ...set(SUM)],
    [...get(QUERY), ...set(Q)],
    [...get(CODES), ...get(BYTES), ...ADD, ...set(END)],
    loop(
      [...get(CODES), ...load(0), ...set(CODE)],
      half(EXTEND_LOW, 0),
      half(EXTEND_HIGH, 16),
      [...get(Q), ...constant(32), ...ADD, ...set(Q)],
      [...get(CODES), ...constant(16), ...ADD, ...set(CODES)],
      [...get(CODES), ...get(END), ...LESS, ...againIf],
    ),
    [...get(OUT), ...lane(0), ...lane(1), ...ADD, ...lane(2), ...ADD, ...lane(3), ...ADD, ...STORE],
    [...get(OUT), ...constant(4), ...ADD, ...set(OUT)],
    [...get(ROWS), ...constant(1), ...SUB, ...set(ROWS)],
    [...get(ROWS), ...againIf],
  ),
  ...END_BLOCK,
];

const name = (text: string) => [text.length, ...Buffer.from(text)];
/** An unsigned number as LEB128. */
const leb = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]);
const sized = (bytes: number[]) => [...leb(bytes.length), ...bytes];
const section = (id: number, bytes: number[]) => [id, ...sized(bytes)];

const LOCALS = [2, 2, I32, 2, V128];
const MODULE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 5, I32, I32, I32, I32, I32, 0]),
  ...section(2, [1, ...name('host'), ...name('memory'), 2, 1, 1, ...leb(MAX_PAGES)]),
  ...section(3, [1, 0]),
  ...section(7, [1, ...name('dots'), 0, 0]),
  ...section(10, [1, ...sized([...LOCALS, ...BODY])]),
]);

export function startKernel(): Kernel {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { host: { memory } });
  return { memory, dots: exports.dots as Dots };
}
