import { concat, fromHex, toHex, utf8 } from './bytes.ts';
import { ProofError } from './errors.ts';

/** What a DLM1 output carries: the versionId and its parents in manifest order, hex. */
export interface Anchor {
  mh: string;
  parents: string[];
}

const OP_FALSE = 0x00;
const OP_RETURN = 0x6a;
const OP_PUSHDATA1 = 0x4c;
const MAGIC = utf8('DLM1');
const HASH = /^[0-9a-f]{64}$/;

// CBOR (RFC 8949) heads: map of n, text of n, array of n, byte string of 32.
const [MAP, TEXT, ARRAY] = [0xa0, 0x60, 0x80];
const BYTES_32 = Uint8Array.of(0x58, 32);
const ENTRY_LENGTH = BYTES_32.length + 32;
const KEY_MH = concat(Uint8Array.of(TEXT + 2), utf8('mh'));
const KEY_P = concat(Uint8Array.of(TEXT + 1), utf8('p'));

/** The CBOR map `{mh, p?}`, keys in that order, `p` only when there are parents. Throws `invalid-anchor`. */
export function encodeAnchor(anchor: Anchor): Uint8Array {
  if (![anchor.mh, ...anchor.parents].every((hash) => HASH.test(hash))) {
    throw new ProofError('invalid-anchor', 'mh and parents are 32-byte hashes in lower-case hex');
  }
  const count = anchor.parents.length;
  const head = [Uint8Array.of(MAP + (count === 0 ? 1 : 2)), KEY_MH, BYTES_32, fromHex(anchor.mh)];
  return count === 0 ? concat(...head) : concat(...head, KEY_P, arrayHead(count), encodeParents(anchor.parents));
}

function encodeParents(parents: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(parents.length * ENTRY_LENGTH);
  parents.forEach((parent, i) => {
    bytes.set(BYTES_32, i * ENTRY_LENGTH);
    bytes.set(fromHex(parent), i * ENTRY_LENGTH + BYTES_32.length);
  });
  return bytes;
}

/** The output script: OP_FALSE OP_RETURN and one push of `DLM1` ‖ CBOR. The output carries 0 satoshis. */
export function anchorScript(anchor: Anchor): Uint8Array {
  const data = concat(MAGIC, encodeAnchor(anchor));
  return concat(Uint8Array.of(OP_FALSE, OP_RETURN), pushHead(data.length), data);
}

/** The anchor in an output script; undefined when it is not, to the byte, a DLM1 script. */
export function decodeAnchorScript(script: Uint8Array): Anchor | undefined {
  const start = script[0] === OP_RETURN ? 1 : 2;
  if (start === 2 && (script[0] !== OP_FALSE || script[1] !== OP_RETURN)) return undefined;
  const first = readPush(script, start);
  if (first === undefined || !startsWith(first.data, MAGIC)) return undefined;
  if (first.end === script.length) return decodeCbor(first.data.subarray(MAGIC.length));
  const second = first.data.length === MAGIC.length ? readPush(script, first.end) : undefined;
  return second?.end === script.length ? decodeCbor(second.data) : undefined;
}

/**
 * Strict decoding by encoding: what was read is written again, and must give the same bytes. That leaves no room for
 * trailing bytes, other key orders, repeated keys or lengths that are not minimal.
 */
function decodeCbor(cbor: Uint8Array): Anchor | undefined {
  const hashAt = (at: number) => toHex(cbor.subarray(at, at + 32));
  const mhAt = 1 + KEY_MH.length + BYTES_32.length;
  const countAt = mhAt + 32 + KEY_P.length;
  const count = Math.max(0, Math.floor((cbor.length - countAt) / ENTRY_LENGTH));
  const firstAt = cbor.length - count * ENTRY_LENGTH + BYTES_32.length;
  const parents = Array.from({ length: count }, (_, i) => hashAt(firstAt + i * ENTRY_LENGTH));
  const anchor = { mh: hashAt(mhAt), parents };
  if (anchor.mh.length !== 64) return undefined;
  const again = encodeAnchor(anchor);
  return again.length === cbor.length && startsWith(cbor, again) ? anchor : undefined;
}

/** The push that starts at `at`, if its opcode is the shortest for its length. */
function readPush(script: Uint8Array, at: number): { data: Uint8Array; end: number } | undefined {
  const opcode = script[at];
  if (opcode === undefined) return undefined;
  const width = opcode < OP_PUSHDATA1 ? 0 : { 76: 1, 77: 2, 78: 4 }[opcode];
  if (width === undefined) return undefined;
  let length = width === 0 ? opcode : 0;
  for (let i = width; i > 0; i--) length = length * 256 + (script[at + i] ?? 0);
  const start = at + 1 + width;
  const end = start + length;
  if (end > script.length || pushHead(length).length !== 1 + width) return undefined;
  return { data: script.subarray(start, end), end };
}

function pushHead(length: number): Uint8Array {
  if (length < OP_PUSHDATA1) return Uint8Array.of(length);
  if (length < 0x100) return Uint8Array.of(OP_PUSHDATA1, length);
  if (length < 0x1_0000) return Uint8Array.of(OP_PUSHDATA1 + 1, length & 0xff, length >> 8);
  const head = new Uint8Array(5);
  head[0] = OP_PUSHDATA1 + 2;
  new DataView(head.buffer).setUint32(1, length, true);
  return head;
}

/** The shortest head of a CBOR array. */
function arrayHead(count: number): Uint8Array {
  if (count < 24) return Uint8Array.of(ARRAY + count);
  if (count < 0x100) return Uint8Array.of(ARRAY + 24, count);
  if (count < 0x1_0000) return Uint8Array.of(ARRAY + 25, count >> 8, count & 0xff);
  const head = new Uint8Array(5);
  head[0] = ARRAY + 26;
  new DataView(head.buffer).setUint32(1, count);
  return head;
}

function startsWith(data: Uint8Array, prefix: Uint8Array): boolean {
  return data.length >= prefix.length && prefix.every((byte, i) => byte === data[i]);
}
