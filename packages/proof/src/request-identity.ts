/** Who signed an HTTP request, and what that signature covers: the forms of `dlm1.md`, "Identity headers". */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { concat, fromHex, isHex, utf8 } from './bytes.ts';
import { ProofError } from './errors.ts';
import { sha256 } from './sha256.ts';

/** Seconds by which the clocks of the two sides may differ, either way. */
export const IDENTITY_WINDOW_SECONDS = 120;

/** What a signature covers. `bodyHash` is the SHA-256 of the body as 64 hex digits; no body is an empty one. */
export type RequestToSign =
  | {
      form: '2';
      /** Upper case. */
      method: string;
      /** Host with the port, where it is not the scheme's own. */
      host: string;
      /** Path with its query, byte for byte as it is sent. */
      target: string;
      /** Seconds since 1970. */
      timestamp: number;
      nonce: string;
      bodyHash: string;
    }
  | { form: 'A'; nonce: string; bodyHash: string }
  | { form: 'B'; nonce: string; body: Uint8Array };

/** Values of each header as they came, one for each time it is there; undefined where it is not. */
export interface IdentityHeaders {
  identityKey: readonly string[] | undefined;
  nonce: readonly string[] | undefined;
  timestamp: readonly string[] | undefined;
  signature: readonly string[] | undefined;
}

/** What the headers claim, well formed and not verified. Without a timestamp the claim is of form A. */
export interface IdentityClaim {
  /** Compressed secp256k1 key, 66 hex digits. */
  identityKey: string;
  nonce: string;
  /** Seconds since 1970. */
  timestamp: number | undefined;
  /** Strict DER, low S. */
  signature: Uint8Array;
}

export interface IdentityRefusal {
  refused: 'identity-required' | 'signature-invalid';
  /** What is wrong and what to do, for a human. */
  detail: string;
}

// No "|" in method and host, and none in what follows the target: so no two requests have one text.
const METHOD = /^[A-Z][A-Z-]{0,31}$/;
const HOST = /^[A-Za-z0-9.:[\]_~%-]{1,255}$/;
const TARGET = /^[\x21-\x7e]{1,65536}$/;
const NONCE = /^[A-Za-z0-9_-]{22,128}$/;
const TIMESTAMP = /^(?:0|[1-9]\d{0,11})$/;
const COMPRESSED_KEY = /^0[23][0-9a-f]{64}$/;

/**
 * The 32 bytes that are signed.
 * Throws `invalid-bytes` for parts that no request can have; the nonce is checked where it is received.
 */
export function requestDigest(request: RequestToSign): Uint8Array {
  switch (request.form) {
    case '2':
      return sha256(utf8(formTwoText(request)));
    case 'A':
      return sha256(utf8(`Gitdata-Req|v1|${request.nonce}|${checkedHash(request.bodyHash)}`));
    case 'B':
      return sha256(concat(request.body, utf8(request.nonce)));
  }
}

function formTwoText(request: RequestToSign & { form: '2' }): string {
  const { method, host, target, timestamp, nonce, bodyHash } = request;
  if (!METHOD.test(method)) fail('the method is not in upper case');
  if (!HOST.test(host)) fail('the host is no host');
  if (!TARGET.test(target)) fail('the target is no visible ASCII');
  if (!TIMESTAMP.test(String(timestamp))) fail('the timestamp is no whole number of seconds');
  return `tidemark-req|v2|${method}|${host}|${target}|${timestamp}|${nonce}|${checkedHash(bodyHash)}`;
}

function checkedHash(hash: string): string {
  if (!isHex(hash, 32)) fail('the hash of the body is not 64 hex digits');
  return hash;
}

/** Reads the headers strictly: each once, in its one spelling. */
export function parseIdentityHeaders(headers: IdentityHeaders): IdentityClaim | IdentityRefusal {
  const key = single('X-Identity-Key', headers.identityKey);
  const nonce = single('X-Nonce', headers.nonce);
  const signed = single('X-Signature', headers.signature);
  const time = headers.timestamp === undefined ? undefined : single('X-Timestamp', headers.timestamp);
  for (const value of [key, nonce, signed, time]) if (typeof value === 'object') return value;
  if (!isKey(key as string)) {
    return invalid('X-Identity-Key is a compressed secp256k1 key, 66 digits of lower-case hex');
  }
  if (!NONCE.test(nonce as string)) {
    return invalid('X-Nonce has 22 to 128 characters of A-Z a-z 0-9 _ -; make it of 16 or more random bytes');
  }
  if (time !== undefined && !TIMESTAMP.test(time as string)) {
    return invalid('X-Timestamp is a whole number of seconds since 1970');
  }
  const signature = parseSignature(signed as string);
  if (signature === undefined) {
    return invalid('X-Signature is ECDSA in lower-case hex, DER or 64 bytes of r and s, with the lower of the two s');
  }
  const timestamp = time === undefined ? undefined : Number(time);
  return { identityKey: key as string, nonce: nonce as string, timestamp, signature };
}

function single(name: string, values: readonly string[] | undefined): string | IdentityRefusal {
  if (values === undefined || values.length === 0) {
    return { refused: 'identity-required', detail: `${name} is missing` };
  }
  return values.length === 1 ? values[0]! : invalid(`${name} is there ${values.length} times`);
}

function isKey(text: string): boolean {
  return COMPRESSED_KEY.test(text) && secp256k1.utils.isValidPublicKey(fromHex(text), true);
}

/** 64 bytes are r and s: DER of that length would take an r and s that nobody finds. */
function parseSignature(text: string): Uint8Array | undefined {
  if (!isHex(text) || text.length > 144) return undefined;
  try {
    const bytes = fromHex(text);
    const signature = secp256k1.Signature.fromBytes(bytes, bytes.length === 64 ? 'compact' : 'der');
    return signature.hasHighS() ? undefined : signature.toBytes('der');
  } catch {
    return undefined;
  }
}

function invalid(detail: string): IdentityRefusal {
  return { refused: 'signature-invalid', detail };
}

function fail(detail: string): never {
  throw new ProofError('invalid-bytes', `request to sign: ${detail}`);
}
