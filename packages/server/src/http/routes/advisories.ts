/** `/advisories`: what is said about versions, by whom, and whether it counts. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../../access/guard.ts';
import type { Advice, Advisories, Author } from '../../catalog/advisories.ts';
import { parseRfc3339 } from '../../json/time.ts';
import { badRequest, type ProblemCode } from '../problem.ts';
import { integer, queryOf, required } from '../query.ts';
import { answering, type CatalogRoutes, checkMediaType, contributor, identified, membersOf } from './catalog.ts';

export interface AdvisoryRoutes extends Pick<CatalogRoutes, 'bodies' | 'guard' | 'catalogShareBytes'> {
  advisories: Advisories;
  /** Where others reach this server: its host is what they sign. */
  publicUrl: string | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
}

const MEMBERS = ['versionId', 'type', 'recalled', 'supersededBy', 'reason', 'expiresAt'];
const VERSION_ID = /^[0-9a-f]{64}$/;
const MAX_REASON = 2000;
const MAX_BODY_BYTES = 16 * 1024;
const MAX_LIMIT = 200;
const BAD: ProblemCode = 'bad-request';

/** Whoever may read. */
export function advisoryReadRoutes(server: FastifyInstance, { advisories }: AdvisoryRoutes): void {
  server.get('/advisories', async (request) => {
    const query = queryOf(request, ['versionId', 'cursor', 'limit']);
    const versionId = required(query, 'versionId', VERSION_ID, '64 lower-case hex digits');
    const after = integer(query, 'cursor', 0, 0, Number.MAX_SAFE_INTEGER);
    const limit = integer(query, 'limit', 50, 1, MAX_LIMIT);
    return answering(() => advisories.page(versionId, after, limit));
  });
}

/** Whoever shows who they are. */
export function advisoryWriteRoutes(server: FastifyInstance, options: AdvisoryRoutes): void {
  server.post('/advisories', async (request) => {
    queryOf(request, []);
    checkMediaType(request, ['application/json']);
    return identified(options, request, MAX_BODY_BYTES, async (body, caller) => {
      const advice = adviceIn(membersOf(body, MEMBERS, BAD), options.now());
      const author = authorOf(caller, request, body, options.publicUrl);
      const by = contributor(caller, options.catalogShareBytes);
      return { status: 'ok', advisory: answering(() => options.advisories.advise(advice, author, by)) };
    });
  });
}

function adviceIn(members: Record<string, unknown>, now: number): Advice {
  const { versionId, type, recalled = false, supersededBy, reason, expiresAt } = members;
  if (!isVersionId(versionId)) throw badRequest('"versionId" is 64 lower-case hex digits');
  if (type !== 'BLOCK' && type !== 'WARN') throw badRequest('"type" is BLOCK or WARN');
  if (typeof recalled !== 'boolean') throw badRequest('"recalled" is true or false');
  if (supersededBy !== undefined && (!isVersionId(supersededBy) || supersededBy === versionId)) {
    throw badRequest('"supersededBy" is the versionId of another version, 64 lower-case hex digits');
  }
  if (!isReason(reason)) throw badRequest(`"reason" is text of 1 to ${MAX_REASON} characters`);
  return { versionId, type, recalled, supersededBy, reason, expiresAt: expiryIn(expiresAt, now) };
}

function expiryIn(expiresAt: unknown, now: number): number | undefined {
  if (expiresAt === undefined) return undefined;
  const time = typeof expiresAt === 'string' ? parseRfc3339(expiresAt) : undefined;
  if (time === undefined || time <= now) throw badRequest('"expiresAt" is a time to come, in RFC 3339');
  return time;
}

function isVersionId(value: unknown): value is string {
  return typeof value === 'string' && VERSION_ID.test(value);
}

function isReason(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= MAX_REASON && value.isWellFormed();
}

/** With everything that the caller's signature covers, so that others can check who said it. */
function authorOf(caller: Caller, request: FastifyRequest, body: Buffer, publicUrl: string | undefined): Author {
  if (caller.kind !== 'identity') return { kind: caller.kind };
  const { key } = caller;
  const nonce = request.headers['x-nonce'];
  const timestamp = request.headers['x-timestamp'];
  const signature = request.headers['x-signature'];
  // Mutual authentication signs for this node alone: its signature shows nothing to others.
  if (nonce === undefined || signature === undefined) return { kind: 'identity', key, signed: undefined };
  const text = body.toString('utf8');
  if (timestamp === undefined) return { kind: 'identity', key, signed: { form: 'A', nonce, body: text, signature } };
  const host = publicUrl === undefined ? request.headers.host : new URL(publicUrl).host;
  const target = request.raw.url;
  const signed = { form: '2', method: request.method, host, target, timestamp: Number(timestamp), nonce };
  return { kind: 'identity', key, signed: { ...signed, body: text, signature } };
}
