/**
 * Who may read, and who may decide. Whoever has no token reads public streams; on a loopback bind all are, unless they
 * are declared private, and elsewhere none, unless they are declared public. What is not of one stream alone, and what
 * came in as it came, is for everybody as long as everything is public on a loopback bind, and else for the
 * administrator, who alone decides on any.
 */
import type { FastifyRequest } from 'fastify';
import type { Reader, Readers } from '../access/readers.ts';
import { isLoopback } from '../config.ts';
import { SecretDigest } from '../secret-digest.ts';
import { Problem } from './problem.ts';

export interface AccessOptions {
  loopback: boolean;
  publicUrl: string | undefined;
  adminToken: string;
  readers: Readers;
  /** Other sites whose pages may call this server. */
  corsOrigins: readonly string[];
  /** Of all streams, whether they are public. */
  visible: ReadonlyMap<string, boolean>;
}

const ADMIN: Reader = { id: 'admin', streams: 'all' };

export class Access {
  readonly #options: AccessOptions;
  readonly #publicUrl: URL | undefined;
  readonly #allPublic: boolean;
  readonly #admin: SecretDigest;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#publicUrl = options.publicUrl === undefined ? undefined : new URL(options.publicUrl);
    this.#allPublic = [...options.visible.values()].every(Boolean);
    this.#admin = new SecretDigest(options.adminToken);
  }

  /**
   * On a loopback bind only local names are answered: otherwise any web page could have its own name resolve to this
   * machine and read along (DNS rebinding).
   */
  checkHost(request: FastifyRequest): void {
    if (!this.#options.loopback) return;
    const host = request.hostname.toLowerCase().replace(/^\[|\]$/g, '');
    if (!isLoopback(host) && host !== this.#publicUrl?.hostname) {
      throw new Problem(421, 'host-not-allowed', 'this server answers to local names only; set PUBLIC_URL for others');
    }
  }

  /** Whether reading takes a token, so that nobody may keep an answer for others. */
  get restricted(): boolean {
    return !(this.#options.loopback && this.#allPublic);
  }

  /** For what is not of one stream alone. */
  checkReader(request: FastifyRequest): void {
    if (this.restricted) this.checkAdmin(request);
  }

  /**
   * Whose token the request carries; undefined for one without.
   * @throws Problem 401 for a token that is none, or not any more
   */
  readerOf(request: FastifyRequest): Reader | undefined {
    const { readers } = this.#options;
    const token = bearer(request);
    const passing = (request.query as { token?: unknown }).token;
    if (token === undefined && passing === undefined) return undefined;
    if (this.#admin.matches(token)) return ADMIN;
    const reader = token === undefined ? readers.passing(String(passing)) : readers.bearer(token);
    // On a loopback bind where everything is public, a token that says nothing here does no harm.
    if (reader === undefined && this.restricted) {
      throw new Problem(401, 'token-invalid', 'this token is none of this server, or has expired; ask for another');
    }
    return reader;
  }

  mayRead(reader: Reader | undefined, stream: string): boolean {
    return reader?.streams === 'all' || reader?.streams.has(stream) === true || this.#isPublic(stream);
  }

  /** All that whoever asks may read; undefined where that is everything. */
  readable(reader: Reader | undefined): Set<string> | undefined {
    if (!this.restricted || reader?.streams === 'all') return undefined;
    return new Set([...this.#options.visible.keys()].filter((stream) => this.mayRead(reader, stream)));
  }

  /** A stream that is not declared any more is still in the ledger. */
  #isPublic(stream: string): boolean {
    return this.#options.visible.get(stream) ?? !this.restricted;
  }

  /** @throws Problem 401, 403 */
  checkStream(reader: Reader | undefined, stream: string): void {
    if (this.mayRead(reader, stream)) return;
    throw reader === undefined
      ? new Problem(401, 'token-required', `send a read token for "${stream}" as Authorization: Bearer …`)
      : new Problem(403, 'stream-not-allowed', `the token of "${reader.id}" is not for "${stream}"`);
  }

  /** Pages of other sites may open a WebSocket wherever they like; a browser says whose page it is. */
  checkOrigin(request: FastifyRequest): void {
    const { origin } = request.headers;
    if (origin === undefined) return;
    if (this.#options.corsOrigins.includes(origin)) return;
    const host = URL.parse(origin)?.host;
    if (host !== undefined && (host === request.host || host === this.#publicUrl?.host)) return;
    throw new Problem(403, 'origin-not-allowed', `pages of ${origin} may not connect; list it in CORS_ORIGINS`);
  }

  isAdmin(token: string | undefined): boolean {
    return this.#admin.matches(token);
  }

  checkAdmin(request: FastifyRequest): void {
    if (!this.isAdmin(bearer(request))) {
      throw new Problem(401, 'token-required', 'send the admin token as Authorization: Bearer …');
    }
  }
}

export function bearer(request: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}
