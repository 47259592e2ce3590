import { concat, fromBase64, fromHex, isHex, toBase64, toHex, utf8 } from './bytes.ts';
import { ProofError } from './errors.ts';
import { sha256 } from './sha256.ts';
import { verifyEd25519 } from './signature.ts';

/** The head of a log as signed in a checkpoint (C2SP tlog-checkpoint). */
export interface Checkpoint {
  origin: string;
  size: number;
  /** Root hash, hex. */
  root: string;
}

/** One signature line of a note (C2SP signed-note): what follows the 4 bytes of key id is the algorithm's. */
export interface NoteSignature {
  name: string;
  /** 8 hex digits. */
  keyId: string;
  bytes: Uint8Array;
}

export interface SignedCheckpoint extends Checkpoint {
  /** What the signatures cover: the lines up to the blank one, each with its LF. */
  text: string;
  signatures: NoteSignature[];
}

/** Signs notes as a log does (Ed25519), or as a witness does (cosignature/v1, which adds a time). */
export type KeyType = 'log' | 'witness';

export interface VerifierKey {
  name: string;
  type: KeyType;
  keyId: string;
  publicKey: Uint8Array;
}

type Ed25519Verifier = typeof verifyEd25519;

const MAX_NOTE_LENGTH = 64 * 1024;
const MAX_SIGNATURES = 64;
const ALGORITHM: Record<KeyType, number> = { log: 0x01, witness: 0x04 };
const SIZE = /^(?:0|[1-9]\d{0,15})$/;
const SIGNATURE_LINE = /^\u2014 (\S+) (\S+)$/;
// signed-note: no plus sign, no Unicode space; and no control characters anywhere.
const KEY_NAME = /^[^\s+\p{Cc}]+$/u;

/** The three lines that are signed. Throws `invalid-checkpoint`. */
export function checkpointText(checkpoint: Checkpoint): string {
  const { origin, size, root } = checkpoint;
  if (!isKeyName(origin)) fail('the origin is no key name');
  if (!Number.isSafeInteger(size) || size < 0) fail(`${size} is not a tree size`);
  if (!isHex(root, 32)) fail('the root is not a hash');
  return `${origin}\n${size}\n${toBase64(fromHex(root))}\n`;
}

/** The signed note. `sign` makes the 64-byte Ed25519 signature of the message by the key's private half. */
export function signCheckpoint(
  checkpoint: Checkpoint,
  key: VerifierKey,
  sign: (message: Uint8Array) => Uint8Array,
): string {
  const text = checkpointText(checkpoint);
  return `${text}\n${signatureLine({ name: key.name, keyId: key.keyId, bytes: sign(utf8(text)) })}`;
}

/** A line to append to a note, as for a witness's cosignature. */
export function signatureLine(signature: NoteSignature): string {
  return `\u2014 ${signature.name} ${toBase64(concat(fromHex(signature.keyId), signature.bytes))}\n`;
}

/** Reads a note with the three lines and one or more signatures; verifies none. Throws `invalid-checkpoint`. */
export function parseCheckpoint(note: string): SignedCheckpoint {
  if (note.length > MAX_NOTE_LENGTH || !note.isWellFormed()) fail('the note is too long or no Unicode');
  const [origin, size, root, blank, ...lines] = note.split('\n');
  if (blank !== '' || lines.pop() !== '') fail('the note is not three lines, a blank one, and signatures');
  if (origin === undefined || !isKeyName(origin)) fail('the origin is no key name');
  if (size === undefined || !SIZE.test(size) || !Number.isSafeInteger(Number(size))) fail('the size is no count');
  if (lines.length === 0 || lines.length > MAX_SIGNATURES) fail(`a note has 1 to ${MAX_SIGNATURES} signatures`);
  const checkpoint = { origin, size: Number(size), root: toHex(decode(root ?? '')) };
  return { ...checkpoint, text: checkpointText(checkpoint), signatures: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line: string): NoteSignature {
  const match = SIGNATURE_LINE.exec(line);
  if (match === null || !isKeyName(match[1]!)) fail('a signature line is malformed');
  const bytes = decode(match[2]!);
  if (bytes.length < 5) fail('a signature is too short');
  return { name: match[1]!, keyId: toHex(bytes.subarray(0, 4)), bytes: bytes.slice(4) };
}

/** The key with its id: the first 4 bytes of SHA-256(name ‖ LF ‖ algorithm ‖ key). Throws `invalid-key`. */
export function verifierKey(name: string, publicKey: Uint8Array, type: KeyType = 'log'): VerifierKey {
  if (!isKeyName(name) || publicKey.length !== 32) {
    throw new ProofError('invalid-key', 'a verifier key has a name without blanks or plus, and 32 bytes');
  }
  const id = sha256(concat(utf8(`${name}\n`), Uint8Array.of(ALGORITHM[type]), publicKey)).subarray(0, 4);
  return { name, type, keyId: toHex(id), publicKey };
}

/** `name+hex8+base64(algorithm ‖ key)`. */
export function formatVerifierKey(key: VerifierKey): string {
  return `${key.name}+${key.keyId}+${toBase64(concat(Uint8Array.of(ALGORITHM[key.type]), key.publicKey))}`;
}

/** The inverse of `formatVerifierKey`. Throws `invalid-key`. */
export function parseVerifierKey(text: string): VerifierKey {
  // The base64 may hold plus signs too, the name none.
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
  if (match === null) throw new ProofError('invalid-key', 'a verifier key reads name+hash+key');
  const [name, keyId, encoded] = match.slice(1) as [string, string, string];
  const [algorithm, ...publicKey] = keyBytes(encoded);
  const type = (['log', 'witness'] as const).find((known) => ALGORITHM[known] === algorithm);
  if (type === undefined) throw new ProofError('invalid-key', 'the key is of an unknown algorithm');
  const key = verifierKey(name, Uint8Array.from(publicKey), type);
  if (key.keyId !== keyId) throw new ProofError('invalid-key', 'the key id does not belong to name and key');
  return key;
}

/** How the note stands to a key: `absent` where no line names it; one line that fails makes it `invalid`. */
export function verifyCheckpoint(
  note: SignedCheckpoint,
  key: VerifierKey,
  verify: Ed25519Verifier = verifyEd25519,
): 'valid' | 'invalid' | 'absent' {
  const own = note.signatures.filter((line) => line.name === key.name && line.keyId === key.keyId);
  if (own.length === 0) return 'absent';
  const [message, signature] = key.type === 'log' ? [note.text, own[0]!.bytes] : cosigned(note.text, own[0]!.bytes);
  return own.length === 1 && verify(utf8(message), signature, key.publicKey) ? 'valid' : 'invalid';
}

/** C2SP tlog-cosignature: 8 bytes of big-endian seconds since 1970, which the signature covers, then the signature. */
function cosigned(text: string, bytes: Uint8Array): [message: string, signature: Uint8Array] {
  // Without room for the time there is no signature either.
  if (bytes.length < 8) return [text, new Uint8Array(0)];
  const seconds = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  return [cosignedText(text, seconds), bytes.subarray(8)];
}

/** The message that a witness signs: the note's text under its own two lines. */
export function cosignedText(text: string, seconds: bigint): string {
  return `cosignature/v1\ntime ${seconds}\n${text}`;
}

function isKeyName(name: string): boolean {
  return KEY_NAME.test(name) && name.isWellFormed();
}

function decode(base64: string): Uint8Array {
  try {
    return fromBase64(base64);
  } catch (cause) {
    throw new ProofError('invalid-checkpoint', 'checkpoint: not canonical base64', { cause });
  }
}

function keyBytes(base64: string): Uint8Array {
  try {
    return fromBase64(base64);
  } catch (cause) {
    throw new ProofError('invalid-key', 'the key is not canonical base64', { cause });
  }
}

function fail(detail: string): never {
  throw new ProofError('invalid-checkpoint', `checkpoint: ${detail}`);
}
