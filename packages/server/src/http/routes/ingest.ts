/** `POST /ingest/events`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Admission } from '../../intake/admission.ts';
import type { Credentials } from '../../intake/auth.ts';
import type { Format } from '../../intake/decode.ts';
import { IntakeError } from '../../intake/errors.ts';
import type { Deliver } from '../../threads/journal-client.ts';
import type { Acknowledged, Refused } from '../../threads/protocol.ts';
import { bearer } from '../access.ts';
import type { BodyReader } from '../body.ts';
import { badRequest, Problem } from '../problem.ts';

export interface IngestRoutes {
  bodies: BodyReader;
  admission: Admission;
  deliver: Deliver;
  /** False once the server is shutting down. */
  accepting: () => boolean;
}

const FORMATS = new Map<string, Format>([
  ['application/json', 'json'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
  ['text/csv', 'csv'],
]);
const MAX_NAME_LENGTH = 256;

export function ingestRoutes(server: FastifyInstance, { bodies, admission, deliver, accepting }: IngestRoutes): void {
  server.post('/ingest/events', async (request, reply) => {
    if (!accepting()) {
      throw new Problem(503, 'shutting-down', 'this server is going down; send it again later', { retryAfter: 5 });
    }
    const format = formatOf(request);
    const sourceId = sourceOf(request);
    const deliveryId = header(request, 'idempotency-key');
    const batch = batchOf(request);
    const credentials = { bearer: bearer(request) };
    const admitted = sourceId !== undefined && admit(sourceId, credentials);
    const answer = await bodies.with(request, admitted, (body) =>
      deliver({
        ...{ sourceId, format, body, deliveryId, credentials, receipt: preferences(request).has('receipt') },
        ...(batch !== undefined && { batch }),
      }),
    );
    if (!answer.ok) throw refusal(answer);
    return acknowledge(request, reply, answer);
  });

  /** A sender who names the source outside the body is known, or turned away, before the body is read. */
  function admit(sourceId: string, credentials: Credentials): true {
    try {
      admission.admit(sourceId, credentials);
      return true;
    } catch (cause) {
      if (!(cause instanceof IntakeError)) throw cause;
      throw new Problem(cause.status, cause.code, cause.hint, { cause });
    }
  }
}

function acknowledge(request: FastifyRequest, reply: FastifyReply, answer: Acknowledged): FastifyReply {
  const minimal = preferences(request).has('return=minimal');
  const applied = [...(minimal ? ['return=minimal'] : []), ...(answer.receipt === undefined ? [] : ['receipt'])];
  if (applied.length > 0) reply.header('preference-applied', applied.join(', '));
  const inserted = minimal ? '' : `"inserted":${answer.inserted},`;
  const rejected = answer.rejected.length === 0 ? '[]' : JSON.stringify(answer.rejected);
  const counts = `"count":${answer.count},"duplicates":${answer.duplicates}`;
  reply.header('content-type', 'application/json; charset=utf-8');
  const receipt = answer.receipt === undefined ? '' : `,"receipt":${JSON.stringify(answer.receipt)}`;
  return reply.send(`{"status":"ok",${inserted}${counts},"rejected":${rejected}${receipt}}`);
}

/** Those of the Prefer header (RFC 7240), as they are written. */
function preferences(request: FastifyRequest): Set<string> {
  const listed = header(request, 'prefer')?.toLowerCase().split(',') ?? [];
  return new Set(listed.map((preference) => preference.trim()));
}

function refusal({ status, code, hint, rejected }: Refused): Problem {
  return new Problem(status, code, hint, {
    ...(status === 503 ? { retryAfter: 1 } : {}),
    ...(rejected.length > 0 ? { extra: { rejected } } : {}),
  });
}

function formatOf(request: FastifyRequest): Format {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const format = FORMATS.get(type);
  if (format === undefined) {
    const known = [...FORMATS.keys()].join(', ');
    throw new Problem(415, 'unsupported-media-type', `Content-Type is one of ${known}`);
  }
  return format;
}

function sourceOf(request: FastifyRequest): string | undefined {
  const query = (request.query as Record<string, unknown>).sourceId;
  if (query !== undefined && typeof query !== 'string') throw badRequest('sourceId is given twice');
  const named = header(request, 'x-source-id');
  if (query !== undefined && named !== undefined && query !== named) {
    throw badRequest('sourceId and X-Source-Id name different sources');
  }
  return query ?? named;
}

function batchOf(request: FastifyRequest): string | undefined {
  const { batch } = request.query as Record<string, unknown>;
  if (batch === undefined || typeof batch === 'string') return batch;
  throw badRequest('batch is given twice');
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  if (value === undefined) return undefined;
  if (Array.isArray(value) || value.length > MAX_NAME_LENGTH) {
    throw badRequest(`the header ${name} comes once and has at most ${MAX_NAME_LENGTH} characters`);
  }
  return value;
}
