/** One call of the certifier's webhook: `dlm1.md`, "Certifier webhook". */
import {
  anchorScript,
  fromHex,
  isHex,
  type Manifest,
  ProofError,
  parseEnvelope,
  parseManifest,
  toHex,
} from '@tidemark/proof';
import { newNonce, type OutgoingForm, signRequest } from '../access/outgoing.ts';
import { readBounded, reasonOf } from '../answers.ts';
import type { IdentityKey } from '../keys.ts';
import { nativeVerifyEcdsa } from '../native.ts';
import type { PacketRow } from '../store/ledger.ts';

export interface WebhookSettings {
  url: string;
  timeoutMs: number;
  signForm: OutgoingForm;
}

/**
 * What came of it. `refused`: the answer is about something else, or its signature does not hold: asking again would
 * change nothing. `failed`: no usable answer, and another attempt may get one.
 */
export type Certification =
  | { outcome: 'certified'; rawTx: string | undefined; envelope: unknown }
  | { outcome: 'refused'; reason: 'versionId-mismatch' | 'signature-invalid' }
  | { outcome: 'failed'; reason: string };

const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const KNOWN = ['versionId', 'signature', 'rawTx', 'envelope'];

export class CertifierWebhook {
  readonly #settings: WebhookSettings;
  readonly #key: IdentityKey;
  readonly #now: () => number;

  /** @param key signs the requests */
  constructor(settings: WebhookSettings, key: IdentityKey, now: () => number) {
    this.#settings = settings;
    this.#key = key;
    this.#now = now;
  }

  async certify({ versionId, manifest: text, contentHash }: PacketRow): Promise<Certification> {
    const manifest = parseManifest(JSON.parse(text));
    const outputs = [{ scriptHex: scriptOf(versionId, manifest), satoshis: 0 }];
    const payload = { versionId, manifest: JSON.parse(text) as unknown, contentHash, outputs };
    const answer = await this.#post(Buffer.from(JSON.stringify({ type: 'certify', payload })));
    return typeof answer === 'string' ? { outcome: 'failed', reason: answer } : judge(answer.json, versionId, manifest);
  }

  /** @returns what went wrong, in words, where there is no answer */
  async #post(body: Buffer): Promise<{ json: unknown } | string> {
    const { url: text, timeoutMs, signForm } = this.#settings;
    const url = new URL(text);
    const signed = signRequest(this.#key, signForm, {
      ...{ method: 'POST', url, body, nonce: newNonce(), now: this.#now() },
    });
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const headers = { 'content-type': 'application/json', ...signed };
      const response = await fetch(url, { method: 'POST', body, headers, redirect: 'manual', signal });
      const answer = await readBounded(response, MAX_ANSWER_BYTES);
      if (!response.ok) return `status ${response.status}`;
      if (answer === undefined) return `an answer of more than ${MAX_ANSWER_BYTES} bytes`;
      return { json: JSON.parse(answer) };
    } catch (cause) {
      if (signal.aborted) return `no answer in ${timeoutMs} ms`;
      return cause instanceof SyntaxError ? 'the answer is no JSON' : reasonOf(cause);
    }
  }
}

function scriptOf(versionId: string, { lineage }: Manifest): string {
  return toHex(anchorScript({ mh: versionId, parents: lineage?.parents ?? [] }));
}

function judge(answer: unknown, versionId: string, manifest: Manifest): Certification {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return malformed('it is no object');
  const { versionId: named, signature, rawTx, envelope } = answer as Record<string, unknown>;
  const unknown = Object.keys(answer).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) return malformed(`unknown member "${unknown}"`);
  if (named !== versionId) return { outcome: 'refused', reason: 'versionId-mismatch' };
  if (signature !== undefined && !isSignedBy(manifest, versionId, signature)) {
    return { outcome: 'refused', reason: 'signature-invalid' };
  }
  if (rawTx !== undefined && !isHex(rawTx)) return malformed('"rawTx" is no hex');
  if (envelope !== undefined && !isEnvelope(envelope)) return malformed('"envelope" is none');
  return { outcome: 'certified', rawTx, envelope };
}

function malformed(what: string): Certification {
  return { outcome: 'failed', reason: `the answer is malformed: ${what}` };
}

/** By the key that the manifest names as its producer's. */
function isSignedBy({ provenance }: Manifest, versionId: string, signature: unknown): boolean {
  const key = provenance.producer?.identityKey;
  if (key === undefined || !isHex(signature) || !isHex(key, 33)) return false;
  return nativeVerifyEcdsa(fromHex(versionId), fromHex(signature), fromHex(key));
}

function isEnvelope(value: unknown): boolean {
  try {
    parseEnvelope(value, 'elsewhere');
    return true;
  } catch (cause) {
    if (cause instanceof ProofError) return false;
    throw cause;
  }
}
