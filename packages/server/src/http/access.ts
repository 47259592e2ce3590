/**
 * Who may read, and who may decide. Until streams have owners and read tokens, everybody reads on a loopback bind,
 * elsewhere the administrator, who alone decides on any.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../config.ts';
import { Problem } from './problem.ts';

export interface AccessOptions {
  loopback: boolean;
  publicUrl: string | undefined;
  adminToken: string;
}

export class Access {
  readonly #loopback: boolean;
  readonly #publicHost: string | undefined;
  readonly #admin: Buffer;

  constructor(options: AccessOptions) {
    this.#loopback = options.loopback;
    this.#publicHost = options.publicUrl === undefined ? undefined : new URL(options.publicUrl).hostname;
    this.#admin = sha256(options.adminToken);
  }

  /**
   * On a loopback bind only local names are answered: otherwise any web page could have its own name resolve to this
   * machine and read along (DNS rebinding).
   */
  checkHost(request: FastifyRequest): void {
    if (!this.#loopback) return;
    const host = request.hostname.toLowerCase().replace(/^\[|\]$/g, '');
    if (!isLoopback(host) && host !== this.#publicHost) {
      throw new Problem(421, 'host-not-allowed', 'this server answers to local names only; set PUBLIC_URL for others');
    }
  }

  checkReader(request: FastifyRequest): void {
    if (!this.#loopback) this.checkAdmin(request);
  }

  checkAdmin(request: FastifyRequest): void {
    const token = bearer(request);
    if (token === undefined || !timingSafeEqual(sha256(token), this.#admin)) {
      throw new Problem(401, 'token-required', 'send the admin token as Authorization: Bearer …');
    }
  }
}

export function bearer(request: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
