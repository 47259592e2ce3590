/**
 * Mutual authentication: BRC-103 over HTTP (BRC-104). Both sides name themselves in a handshake, and each message is
 * signed with a key that only the two can derive. We ask for no certificates and have none.
 */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BodyReader } from '../http/body.ts';
import { badRequest } from '../http/problem.ts';
import { answerPayload, requestPayload } from './brc104-payload.ts';
import { IdentityError } from './errors.ts';
import type { NonceStore } from './nonces.ts';
import { isPeer, type PeerKey } from './peer-key.ts';
import { type Session, Sessions } from './sessions.ts';

export interface Brc104Options {
  key: PeerKey;
  nonces: NonceStore;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Of proven sessions, and again of those that are not; default 10,000. */
  maxSessions?: number;
}

/** What the answer to a request is signed with. */
interface Exchange {
  session: Session;
  requestId: Uint8Array;
}

const VERSION = '0.1';
const SESSION_MS = 3_600_000;
const MAX_HANDSHAKE_BYTES = 16 * 1024;
const BASE64 = /^[A-Za-z0-9+/]{22,172}={0,2}$/;
const HEX = /^(?:[0-9a-f]{2}){8,72}$/;
const NAMES = ['version', 'identity-key', 'nonce', 'your-nonce', 'signature', 'request-id'] as const;

export class Brc104 {
  readonly #key: PeerKey;
  readonly #nonces: NonceStore;
  readonly #now: () => number;
  readonly #sessions: Sessions;
  readonly #exchanges = new WeakMap<FastifyRequest, Exchange>();

  constructor({ key, nonces, now, maxSessions = 10_000 }: Brc104Options) {
    this.#key = key;
    this.#nonces = nonces;
    this.#now = now;
    this.#sessions = new Sessions(maxSessions);
  }

  /** Adds the handshake, and signs what is answered to whom `check` has let pass. To be called before routes are added. */
  install(server: FastifyInstance, bodies: BodyReader): void {
    server.post('/.well-known/auth', (request) =>
      bodies.with(request, false, async (body) => this.#greet(parseHandshake(body))),
    );
    server.addHook('onSend', async (request, reply, payload) => {
      const exchange = this.#exchanges.get(request);
      if (exchange !== undefined) this.#signAnswer(exchange, reply, payload);
    });
  }

  /** Whether the request comes by this way. */
  concerns(request: FastifyRequest): boolean {
    return request.headers['x-bsv-auth-version'] !== undefined;
  }

  /**
   * @param body decoded; empty where there is none
   * @returns the identity key of the session, hex: whoever merely names another one is refused
   * @throws IdentityError, StoreError `write-failed`
   */
  async check(request: FastifyRequest, body: Uint8Array): Promise<string> {
    const { nonce, session, signature, requestId } = this.#claimOf(request);
    const { method, raw, headers } = request;
    const payload = requestPayload(requestId, { method, target: raw.url ?? '', headers }, body);
    const { identityKey, until } = session;
    if (!this.#key.verify(identityKey, `${nonce} ${session.nonce}`, payload, signature)) {
      throw new IdentityError('signature-invalid', 'x-bsv-auth-signature does not cover this request');
    }
    this.#sessions.proved(session);
    if (!(await this.#nonces.spend({ identityKey, nonce: `brc104 ${nonce}`, until }, this.#now()))) {
      throw new IdentityError(
        'nonce-reused',
        'this x-bsv-auth-nonce was used before; sign each request with a new one',
      );
    }
    this.#exchanges.set(request, { session, requestId });
    return identityKey;
  }

  #claimOf({ raw }: FastifyRequest) {
    const [version, identityKey, nonce, yourNonce, signature, requestId] = NAMES.map((name) => {
      const values = raw.headersDistinct[`x-bsv-auth-${name}`];
      if (values?.length === 1) return values[0]!;
      throw new IdentityError('identity-required', `x-bsv-auth-${name} is to be there once`);
    }) as [string, string, string, string, string, string];
    if (version !== VERSION) throw new IdentityError('identity-required', `x-bsv-auth-version is ${VERSION}`);
    const session = this.#sessions.find(yourNonce, this.#now());
    if (session === undefined) {
      throw new IdentityError(
        'identity-required',
        'there is no such session, or no longer: POST /.well-known/auth first',
      );
    }
    // Of 32 bytes, for nothing else says where it ends and the method begins.
    const id = Buffer.from(requestId, 'base64');
    if (identityKey !== session.identityKey || !BASE64.test(nonce) || !HEX.test(signature) || id.length !== 32) {
      throw new IdentityError('signature-invalid', 'the x-bsv-auth headers are malformed, or of another session');
    }
    return { nonce, session, signature: Buffer.from(signature, 'hex'), requestId: id };
  }

  #greet({ identityKey, initialNonce }: Handshake) {
    // 48 bytes: there are clients that decode the two nonces as one text, so no padding may come between them.
    const nonce = randomBytes(48).toString('base64');
    this.#sessions.add({ nonce, peerNonce: initialNonce, identityKey, until: this.#now() + SESSION_MS });
    const data = Buffer.concat([Buffer.from(initialNonce, 'base64'), Buffer.from(nonce, 'base64')]);
    return {
      version: VERSION,
      messageType: 'initialResponse',
      identityKey: this.#key.publicKey,
      initialNonce: nonce,
      yourNonce: initialNonce,
      requestedCertificates: { certifiers: [], types: {} },
      signature: [...this.#key.sign(identityKey, `${initialNonce} ${nonce}`, data)],
    };
  }

  /** A streamed answer is not signed: it would have to be read whole first. */
  #signAnswer({ session, requestId }: Exchange, reply: FastifyReply, payload: unknown): void {
    const body = bytesOf(payload);
    if (body === undefined) return;
    const nonce = randomBytes(32).toString('base64');
    const signed = answerPayload(requestId, { status: reply.statusCode, headers: reply.getHeaders() }, body);
    reply.headers({
      'x-bsv-auth-version': VERSION,
      'x-bsv-auth-message-type': 'general',
      'x-bsv-auth-identity-key': this.#key.publicKey,
      'x-bsv-auth-nonce': nonce,
      'x-bsv-auth-your-nonce': session.peerNonce,
      'x-bsv-auth-request-id': Buffer.from(requestId).toString('base64'),
      'x-bsv-auth-signature': this.#key
        .sign(session.identityKey, `${nonce} ${session.peerNonce}`, signed)
        .toString('hex'),
    });
  }
}

interface Handshake {
  identityKey: string;
  initialNonce: string;
}

/** @throws Problem 400 */
function parseHandshake(body: Buffer): Handshake {
  if (body.length > MAX_HANDSHAKE_BYTES) throw badRequest(`a handshake has at most ${MAX_HANDSHAKE_BYTES} bytes`);
  const { version, messageType, identityKey, initialNonce } = parseMessage(body);
  if (version !== VERSION) throw badRequest(`"version" is "${VERSION}"`);
  if (messageType !== 'initialRequest') {
    throw badRequest('"messageType" is "initialRequest": certificates are neither asked for nor given here');
  }
  if (!isPeer(identityKey)) throw badRequest('"identityKey" is a compressed secp256k1 key in lower-case hex');
  if (typeof initialNonce !== 'string' || !BASE64.test(initialNonce)) {
    throw badRequest('"initialNonce" is base64 of 16 to 128 bytes');
  }
  return { identityKey, initialNonce };
}

function parseMessage(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw badRequest('the body is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest('the body is no object');
  return value as Record<string, unknown>;
}

function bytesOf(payload: unknown): Uint8Array | undefined {
  if (payload === undefined || payload === null) return new Uint8Array(0);
  if (typeof payload === 'string') return Buffer.from(payload);
  return payload instanceof Uint8Array ? payload : undefined;
}
