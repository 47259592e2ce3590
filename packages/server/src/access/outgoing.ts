/** Signs the node's own requests to agents. */
import { hash, randomBytes } from 'node:crypto';
import { type RequestToSign, requestDigest } from '@tidemark/proof';
import type { IdentityKey } from '../keys.ts';

export type OutgoingForm = RequestToSign['form'];

export interface OutgoingRequest {
  /** Upper case. */
  method: string;
  url: URL;
  /** Empty where there is none. */
  body: Uint8Array;
  nonce: string;
  /** Milliseconds since 1970. */
  now: number;
}

/** A nonce for one request: 24 random bytes in base64url. */
export function newNonce(): string {
  return randomBytes(24).toString('base64url');
}

/** The headers to add to a request, which has to be sent to the URL as it is here, redirects not followed. */
export function signRequest(key: IdentityKey, form: OutgoingForm, request: OutgoingRequest): Record<string, string> {
  const timestamp = Math.floor(request.now / 1000);
  const signature = key.sign(requestDigest(toSign(form, request, timestamp)));
  return {
    'x-identity-key': key.publicKey,
    'x-nonce': request.nonce,
    ...(form === '2' ? { 'x-timestamp': String(timestamp) } : {}),
    'x-signature': signature.toString('hex'),
  };
}

function toSign(form: OutgoingForm, { method, url, body, nonce }: OutgoingRequest, timestamp: number): RequestToSign {
  if (form === 'B') return { form, nonce, body };
  const bodyHash = hash('sha256', body);
  if (form === 'A') return { form, nonce, bodyHash };
  return { form, method, host: url.host, target: url.pathname + url.search, timestamp, nonce, bodyHash };
}
