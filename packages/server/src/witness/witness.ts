/**
 * A witness (https://c2sp.org/tlog-witness): cosigns a log's checkpoint once it is shown that the log has only grown
 * since the one before.
 */
import {
  type AddCheckpoint,
  cosignatureLine,
  equal,
  fromHex,
  ProofError,
  parseAddCheckpoint,
  parseCheckpoint,
  type SignedCheckpoint,
  sha256,
  type VerifierKey,
  verifyCheckpoint,
  verifyConsistency,
} from '@tidemark/proof';
import type { CosignedStore } from './store.ts';

export interface Answer {
  status: 200 | 400 | 403 | 404 | 409 | 422;
  type: 'text/plain; charset=utf-8' | 'text/x.tlog.size';
  body: string;
}

export interface WitnessOptions {
  /** Of the witness type. */
  key: VerifierKey;
  sign: (message: Uint8Array) => Uint8Array;
  /** Keys of the logs that it witnesses, by origin. */
  logs: ReadonlyMap<string, readonly VerifierKey[]>;
  store: CosignedStore;
  /** Milliseconds since 1970. */
  now: () => number;
}

export class Witness {
  readonly #options: WitnessOptions;

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** Logs that it witnesses, and how far. */
  get logs(): { origin: string; size: number }[] {
    const { logs, store } = this.#options;
    return [...logs.keys()].map((origin) => ({ origin, size: store.newest(origin)?.size ?? 0 }));
  }

  /**
   * Runs in one go, so that nothing comes between the look at the newest checkpoint and the one that takes its place.
   * @param body of an `add-checkpoint` request
   */
  addCheckpoint(body: string): Answer {
    const request = readRequest(body);
    if (request === undefined) return refuse(400, 'the body is not an add-checkpoint request');
    const { note } = request;
    const keys = this.#options.logs.get(note.origin);
    if (keys === undefined) return refuse(404, 'this log is not known here');
    if (!keys.some((key) => verifyCheckpoint(note, key) === 'valid')) {
      return refuse(403, 'the checkpoint is not signed by a key of the log that is trusted here');
    }
    return this.#refusal(request) ?? this.#cosign(request);
  }

  #refusal({ oldSize, proof, note }: Request): Answer | undefined {
    const { size, root } = this.#options.store.newest(note.origin) ?? { size: 0, root: undefined };
    if (oldSize > note.size) return refuse(400, 'the old size is larger than the size of the checkpoint');
    if (oldSize !== size || (note.size === size && root !== undefined && note.root !== root)) {
      return { status: 409, type: 'text/x.tlog.size', body: `${size}\n` };
    }
    if (!hasGrown({ size, root }, note, proof)) return refuse(422, 'the consistency proof does not hold');
    return undefined;
  }

  /** Remembered first, then signed: what has been answered is never forgotten. */
  #cosign({ checkpoint, note }: Request): Answer {
    const { key, sign, store, now } = this.#options;
    const { origin, size, root } = note;
    if (store.newest(origin)?.size !== size) store.put(origin, { size, root }, checkpoint);
    const seconds = Math.floor(now() / 1000);
    return { ...PLAIN, status: 200, body: cosignatureLine(note.text, seconds, key, sign) };
  }
}

interface Request extends AddCheckpoint {
  note: SignedCheckpoint;
}

const PLAIN = { type: 'text/plain; charset=utf-8' } as const;

/** A tree of no leaves is the start of every other: there is nothing to prove, and nothing may be said. */
function hasGrown(
  from: { size: number; root: string | undefined },
  to: SignedCheckpoint,
  proof: Uint8Array[],
): boolean {
  if (to.size === 0) return proof.length === 0 && equal(fromHex(to.root), sha256(new Uint8Array(0)));
  if (from.root === undefined || from.size === 0) return proof.length === 0;
  return verifyConsistency(from.size, to.size, proof, fromHex(from.root), fromHex(to.root));
}

function readRequest(body: string): Request | undefined {
  try {
    const request = parseAddCheckpoint(body);
    return { ...request, note: parseCheckpoint(request.checkpoint) };
  } catch (cause) {
    if (cause instanceof ProofError) return undefined;
    throw cause;
  }
}

function refuse(status: Exclude<Answer['status'], 200 | 409>, why: string): Answer {
  return { ...PLAIN, status, body: `${why}\n` };
}
