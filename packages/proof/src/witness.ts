import { fromBase64, toBase64, utf8 } from './bytes.ts';
import { cosignedText, signatureLine, type VerifierKey } from './checkpoint.ts';
import { ProofError } from './errors.ts';

/** What a log sends to a witness (C2SP tlog-witness, `add-checkpoint`). */
export interface AddCheckpoint {
  /** Size of the tree that the witness cosigned last; 0 where it has cosigned none. */
  oldSize: number;
  /** Consistency proof from the old size to the checkpoint's; empty from size 0. */
  proof: Uint8Array[];
  /** The signed note. */
  checkpoint: string;
}

const MAX_PROOF_LINES = 63;
const HASH_LENGTH = 32;
const OLD_SIZE = /^old (0|[1-9]\d{0,15})$/;

/** The request's body. */
export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  const lines = [`old ${oldSize}`, ...proof.map(toBase64), ''];
  return `${lines.join('\n')}\n${checkpoint}`;
}

/** Reads a body; the note in it is left as it is. Throws `invalid-checkpoint`. */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  const end = body.indexOf('\n\n');
  if (end === -1) fail('the body is the old size, a proof, an empty line, and a note');
  const [first, ...hashes] = body.slice(0, end).split('\n');
  const oldSize = Number(OLD_SIZE.exec(first ?? '')?.[1]);
  if (!Number.isSafeInteger(oldSize)) fail('the first line reads "old", a blank, and a size');
  if (hashes.length > MAX_PROOF_LINES) fail(`a proof has at most ${MAX_PROOF_LINES} lines`);
  return { oldSize, proof: hashes.map(parseHash), checkpoint: body.slice(end + 2) };
}

/**
 * A witness's signature line for a checkpoint (C2SP tlog-cosignature, `cosignature/v1`).
 * @param text what a note's signatures cover, as `SignedCheckpoint.text`
 * @param seconds since 1970
 * @param sign makes the 64-byte Ed25519 signature of the message by the key's private half
 */
export function cosignatureLine(
  text: string,
  seconds: number,
  key: VerifierKey,
  sign: (message: Uint8Array) => Uint8Array,
): string {
  const bytes = new Uint8Array(72);
  const time = BigInt(seconds);
  new DataView(bytes.buffer).setBigUint64(0, time);
  bytes.set(sign(utf8(cosignedText(text, time))), 8);
  return signatureLine({ name: key.name, keyId: key.keyId, bytes });
}

function parseHash(line: string): Uint8Array {
  let hash: Uint8Array;
  try {
    hash = fromBase64(line);
  } catch (cause) {
    throw new ProofError('invalid-checkpoint', 'add-checkpoint: a line of the proof is not base64', { cause });
  }
  if (hash.length !== HASH_LENGTH) fail('a line of the proof is not a hash');
  return hash;
}

function fail(detail: string): never {
  throw new ProofError('invalid-checkpoint', `add-checkpoint: ${detail}`);
}
