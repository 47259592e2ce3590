/** Who calls, for routes that change something. */
import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type Access, bearer } from '../http/access.ts';
import { Problem } from '../http/problem.ts';
import { StoreError } from '../store/errors.ts';
import type { Brc104 } from './brc104.ts';
import { IdentityError } from './errors.ts';
import type { IdentityCheck } from './identity.ts';

export type Caller =
  | { kind: 'admin' }
  /** `key`: compressed secp256k1 key, hex. */
  | { kind: 'identity'; key: string }
  | { kind: 'anyone' };

export interface GuardOptions {
  identity: IdentityCheck;
  /** Mutual authentication; without it its headers are not looked at. */
  mutual?: Brc104 | undefined;
  access: Pick<Access, 'checkAdmin'>;
  /** `IDENTITY_REQUIRED`; false lets anyone in, for local work. */
  required: boolean;
}

const HEADERS = ['x-identity-key', 'x-nonce', 'x-timestamp', 'x-signature'] as const;

export class Guard {
  readonly #identity: IdentityCheck;
  readonly #mutual: Brc104 | undefined;
  readonly #access: Pick<Access, 'checkAdmin'>;
  readonly #required: boolean;

  constructor({ identity, mutual, access, required }: GuardOptions) {
    this.#identity = identity;
    this.#mutual = mutual;
    this.#access = access;
    this.#required = required;
  }

  /**
   * To be called once a request, when its body is read and before it is used: the signature covers the body, and the
   * nonce is spent. What a caller shows has to hold, also where nothing needs to be shown.
   * @param body decoded; empty where there is none
   * @throws IdentityError, Problem 401 `token-required`, 503 `storage-unavailable`
   */
  async requireIdentity(request: FastifyRequest, body: Uint8Array): Promise<Caller> {
    if (bearer(request) !== undefined) {
      this.#access.checkAdmin(request);
      return { kind: 'admin' };
    }
    const mutual = this.#mutual?.concerns(request) ? this.#mutual : undefined;
    if (mutual === undefined && !HEADERS.some((name) => request.headers[name] !== undefined)) return this.#nameless();
    try {
      return { kind: 'identity', key: await (mutual?.check(request, body) ?? this.#signer(request, body)) };
    } catch (cause) {
      if (!(cause instanceof StoreError)) throw cause;
      const hint = 'the nonce could not be stored, so nothing was done; sign the request anew and send it again';
      throw new Problem(503, 'storage-unavailable', hint, { retryAfter: 1, cause });
    }
  }

  async #signer(request: FastifyRequest, body: Uint8Array): Promise<string> {
    const [identityKey, nonce, timestamp, signature] = HEADERS.map((name) => request.raw.headersDistinct[name]);
    const identity = await this.#identity.check({
      method: request.method,
      target: request.raw.url ?? '',
      host: request.headers.host,
      headers: { identityKey, nonce, timestamp, signature },
      bodyHash: hash('sha256', body),
    });
    return identity.identityKey;
  }

  #nameless(): Caller {
    if (!this.#required) return { kind: 'anyone' };
    throw new IdentityError(
      'identity-required',
      'sign the request (X-Identity-Key, X-Nonce, X-Timestamp, X-Signature), or send the admin token as Authorization: Bearer …',
    );
  }
}
