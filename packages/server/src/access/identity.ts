/** Whether a request was signed by the identity it names: `dlm1.md`, "Identity headers". */
import {
  fromHex,
  IDENTITY_WINDOW_SECONDS,
  type IdentityClaim,
  type IdentityHeaders,
  ProofError,
  parseIdentityHeaders,
  requestDigest,
} from '@tidemark/proof';
import { nativeVerifyEcdsa } from '../native.ts';
import { IdentityError } from './errors.ts';
import type { NonceStore } from './nonces.ts';

/** Forms of incoming requests. */
export type AcceptedForm = '2' | 'A';

export interface SignedRequest {
  method: string;
  /** Path and query, byte for byte as received. */
  target: string;
  /** The Host header. */
  host: string | undefined;
  headers: IdentityHeaders;
  /** SHA-256 of the decoded body, hex. */
  bodyHash: string;
}

export interface Identity {
  /** Compressed secp256k1 key, hex. */
  identityKey: string;
  form: AcceptedForm;
}

export interface IdentityOptions {
  accept: readonly AcceptedForm[];
  nonces: NonceStore;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Where others reach this server: its host is what they sign. Without it they sign the Host header they send. */
  publicUrl: string | undefined;
}

const WINDOW_MS = IDENTITY_WINDOW_SECONDS * 1000;

export class IdentityCheck {
  readonly #accept: ReadonlySet<AcceptedForm>;
  readonly #nonces: NonceStore;
  readonly #now: () => number;
  readonly #publicHost: string | undefined;

  constructor({ accept, nonces, now, publicUrl }: IdentityOptions) {
    this.#accept = new Set(accept);
    this.#nonces = nonces;
    this.#now = now;
    this.#publicHost = publicUrl === undefined ? undefined : new URL(publicUrl).host;
  }

  /**
   * A request that passes has spent its nonce. One whose signature does not hold spends none: otherwise anybody could
   * spend those of others.
   * @throws IdentityError
   * @throws StoreError `write-failed`
   */
  async check(request: SignedRequest): Promise<Identity> {
    const claim = parseIdentityHeaders(request.headers);
    if ('refused' in claim) throw new IdentityError(claim.refused, claim.detail);
    const form = this.#formOf(claim);
    const now = this.#now();
    if (claim.timestamp !== undefined) checkWindow(claim.timestamp, now);
    const digest = this.#digestOf(request, claim);
    if (!nativeVerifyEcdsa(digest, claim.signature, fromHex(claim.identityKey))) {
      throw new IdentityError('signature-invalid', `the signature does not cover this request as ${FORM_TEXT[form]}`);
    }
    const { identityKey, nonce } = claim;
    if (!(await this.#nonces.spend({ identityKey, nonce, until: rememberUntil(claim.timestamp) }, now))) {
      throw new IdentityError('nonce-reused', 'this X-Nonce was used before; sign each request with a new one');
    }
    return { identityKey, form };
  }

  #formOf({ timestamp }: IdentityClaim): AcceptedForm {
    const form = timestamp === undefined ? 'A' : '2';
    if (this.#accept.has(form)) return form;
    const hint = form === 'A' ? 'X-Timestamp is missing, and form A, which has none,' : 'form 2';
    throw new IdentityError('identity-required', `${hint} is not accepted here; see IDENTITY_ACCEPT`);
  }

  #digestOf({ method, target, host, bodyHash }: SignedRequest, { timestamp, nonce }: IdentityClaim): Uint8Array {
    if (timestamp === undefined) return requestDigest({ form: 'A', nonce, bodyHash });
    const signedHost = this.#publicHost ?? host ?? '';
    try {
      return requestDigest({ form: '2', method, host: signedHost, target, timestamp, nonce, bodyHash });
    } catch (cause) {
      if (!(cause instanceof ProofError)) throw cause;
      throw new IdentityError('signature-invalid', `this request cannot be signed: ${cause.message}`, { cause });
    }
  }
}

const FORM_TEXT: Record<AcceptedForm, string> = {
  '2': 'tidemark-req|v2|METHOD|host|target|timestamp|nonce|hex(SHA-256(body))',
  A: 'Gitdata-Req|v1|nonce|hex(SHA-256(body))',
};

function checkWindow(timestamp: number, now: number): void {
  const ahead = timestamp * 1000 - now;
  if (Math.abs(ahead) <= WINDOW_MS) return;
  const seconds = Math.round(Math.abs(ahead) / 1000);
  throw new IdentityError(
    'timestamp-out-of-window',
    `X-Timestamp is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} the clock here; ${IDENTITY_WINDOW_SECONDS} s are allowed`,
  );
}

/** A window longer than the request can be valid: the processes of a deployment have clocks of their own. */
function rememberUntil(timestamp: number | undefined): number | undefined {
  return timestamp === undefined ? undefined : timestamp * 1000 + 2 * WINDOW_MS;
}
