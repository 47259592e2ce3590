/** Asks witnesses to cosign a log's checkpoints (https://c2sp.org/tlog-witness). Keeps nothing but the last sizes. */
import {
  formatAddCheckpoint,
  ProofError,
  parseCheckpoint,
  parseVerifierKey,
  type SignedCheckpoint,
  signatureLine,
  type VerifierKey,
  verifyCheckpoint,
} from '@tidemark/proof';
import { readBounded, reasonOf } from '../answers.ts';

export interface WitnessAt {
  url: string;
  /** C2SP verifier key of the witness type. */
  key: string;
}

export interface WitnessClientOptions {
  witnesses: readonly WitnessAt[];
  /** Hashes that prove one tree of a log to be the start of another; `from` is at least 1. */
  consistency: (origin: string, from: number, to: number) => readonly Uint8Array[];
  /** For one request. */
  timeoutMs?: number;
}

/** `line` is to be appended to the checkpoint. */
export type WitnessAnswer = { key: string } & ({ ok: true; line: string } | { ok: false; failure: WitnessFailure });

export type WitnessFailure =
  | { code: 'unreachable'; detail: string }
  | { code: 'timeout' }
  | { code: 'refused'; status: number; text: string }
  /** What came has no valid signature by the witness's key. */
  | { code: 'wrong-cosignature'; text: string };

interface Witness {
  url: URL;
  key: VerifierKey;
  text: string;
  /** By origin, the size that it cosigned last. */
  sizes: Map<string, number>;
}

type Response = { status: number; type: string; text: string } | { failure: WitnessFailure };

const TIMEOUT_MS = 5000;
const MAX_ANSWER_BYTES = 16 * 1024;
/** Of an answer, in a failure. */
const MAX_SHOWN = 200;

export class WitnessClient {
  readonly #witnesses: Witness[];
  readonly #consistency: WitnessClientOptions['consistency'];
  readonly #timeoutMs: number;

  /** @throws ProofError `invalid-key` */
  constructor({ witnesses, consistency, timeoutMs = TIMEOUT_MS }: WitnessClientOptions) {
    this.#witnesses = witnesses.map(({ url, key }) => openWitness(url, key));
    this.#consistency = consistency;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Asks every witness at once; settles when the slowest has answered or timed out.
   * @param checkpoint signed note, of a log that `consistency` knows
   * @returns one answer a witness, in the order in which they were given
   */
  submit(checkpoint: string): Promise<WitnessAnswer[]> {
    const note = parseCheckpoint(checkpoint);
    return Promise.all(this.#witnesses.map((witness) => this.#ask(witness, checkpoint, note)));
  }

  async #ask(witness: Witness, checkpoint: string, note: SignedCheckpoint): Promise<WitnessAnswer> {
    const { sizes, text: key } = witness;
    let oldSize = sizes.get(note.origin) ?? 0;
    let response = await this.#post(witness, checkpoint, note, oldSize);
    const told = toldSize(response);
    // Once: a witness that tells another size each time is asked again with the next checkpoint.
    if (told !== undefined && told !== oldSize && told <= note.size) {
      oldSize = told;
      response = await this.#post(witness, checkpoint, note, oldSize);
    }
    const latest = toldSize(response);
    if (latest !== undefined) sizes.set(note.origin, latest);
    if ('failure' in response) return { key, ok: false, failure: response.failure };
    const { status, text } = response;
    if (status !== 200) return { key, ok: false, failure: { code: 'refused', status, text: shown(text) } };
    const line = validLine(text, checkpoint, witness.key);
    if (line === undefined) return { key, ok: false, failure: { code: 'wrong-cosignature', text: shown(text) } };
    sizes.set(note.origin, note.size);
    return { key, ok: true, line };
  }

  async #post(
    { url }: Witness,
    checkpoint: string,
    { origin, size }: SignedCheckpoint,
    oldSize: number,
  ): Promise<Response> {
    // A witness that is ahead tells its size in answer to any other.
    const from = Math.min(oldSize, size);
    const proof = from === 0 ? [] : [...this.#consistency(origin, from, size)];
    const body = formatAddCheckpoint({ oldSize: from, proof, checkpoint });
    const signal = AbortSignal.timeout(this.#timeoutMs);
    try {
      const response = await fetch(url, { method: 'POST', body, redirect: 'manual', signal });
      const text = (await readBounded(response, MAX_ANSWER_BYTES)) ?? '';
      return { status: response.status, type: response.headers.get('content-type') ?? '', text };
    } catch (cause) {
      if (signal.aborted) return { failure: { code: 'timeout' } };
      return { failure: { code: 'unreachable', detail: reasonOf(cause) } };
    }
  }
}

function openWitness(url: string, text: string): Witness {
  const key = parseVerifierKey(text);
  if (key.type !== 'witness') throw new ProofError('invalid-key', `${text} is not the key of a witness`);
  // The prefix may have a path of its own.
  return { url: new URL('add-checkpoint', url.endsWith('/') ? url : `${url}/`), key, text, sizes: new Map() };
}

/** The size that a witness names when it is at another one. */
function toldSize(response: Response): number | undefined {
  if ('failure' in response || response.status !== 409 || !response.type.startsWith('text/x.tlog.size'))
    return undefined;
  const digits = /^(0|[1-9]\d{0,15})\n$/.exec(response.text)?.[1];
  const size = Number(digits);
  return Number.isSafeInteger(size) ? size : undefined;
}

/** Lines by other keys are passed over, as tlog-witness wants. */
function validLine(text: string, checkpoint: string, key: VerifierKey): string | undefined {
  let note: SignedCheckpoint;
  try {
    note = parseCheckpoint(checkpoint + text);
  } catch (cause) {
    if (cause instanceof ProofError) return undefined;
    throw cause;
  }
  if (verifyCheckpoint(note, key) !== 'valid') return undefined;
  const own = note.signatures.find(({ name, keyId }) => name === key.name && keyId === key.keyId);
  return own && signatureLine(own);
}

function shown(text: string): string {
  return text.trim().slice(0, MAX_SHOWN);
}
