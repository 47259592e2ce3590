/** `/submit/dlm1`, `/submit`, `/resolve`, and the catalogue's part of `/search`: manifests and transactions of others, and finding versions. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller, Guard } from '../../access/guard.ts';
import { CatalogError, type CatalogErrorCode } from '../../catalog/errors.ts';
import type { Evidence } from '../../catalog/evidence.ts';
import { LIMITS } from '../../catalog/limits.ts';
import type { Receiver, SubmittedTransaction } from '../../catalog/receiver.ts';
import { NO_PRODUCER, type Resolver } from '../../catalog/resolver.ts';
import { MAX_STREAMS, type Search } from '../../catalog/search.ts';
import { FROM_THE_TOP, parseCursor } from '../../catalog/search-cursor.ts';
import type { Contributor } from '../../store/catalog.ts';
import { StoreError } from '../../store/errors.ts';
import type { BodyReader } from '../body.ts';
import { badRequest, Problem, type ProblemCode } from '../problem.ts';
import { integer, type Query, queryOf, required } from '../query.ts';

export interface CatalogRoutes {
  bodies: BodyReader;
  guard: Pick<Guard, 'requireIdentity'>;
  receiver: Receiver;
  search: Search;
  resolver: Resolver;
  /** Bytes that all that one identity adds may take. */
  catalogShareBytes: number;
}

/** A known code, or how a route words it. */
type Wording = Partial<Record<CatalogErrorCode, [status: number, code: ProblemCode]>>;

const WORDING = {
  'invalid-rawtx': [400, 'invalid-rawtx'],
  'invalid-manifest': [400, 'invalid-manifest'],
  'versionId-mismatch': [422, 'versionId-mismatch'],
  'producer-unproven': [403, 'producer-unproven'],
  'onchain-mh-mismatch': [409, 'onchain-mh-mismatch'],
  'spv-verification-failed': [409, 'spv-verification-failed'],
  'catalog-share-used-up': [413, 'catalog-share-used-up'],
  'version-not-found': [404, 'not-found'],
  'incomplete-lineage': [409, 'incomplete-lineage'],
  'invalid-envelope': [409, 'invalid-envelope'],
} as const satisfies Record<CatalogErrorCode, [number, ProblemCode]>;

/** A schema that fails is the builder's own word for what is no manifest. */
const BUILDER_WORDING: Wording = { 'invalid-manifest': [422, 'schema-validation-failed'] };

const VERSION_ID = /^[0-9a-f]{64}$/;
const KEY = /^0[23][0-9a-f]{64}$/;
/** A manifest with white space around its members. */
const BUILDER_BODY_BYTES = 2 * LIMITS.manifestBytes;
const MAX_LIMIT = 200;
const MAX_TEXT = 300;
const MAX_WORDS = 16;
const MAX_TOPICS = 64;

/** A page of what the catalogue has. */
export function searchCatalog(request: FastifyRequest, { search }: Pick<CatalogRoutes, 'search'>): object {
  const query = queryOf(request, ['q', 'datasetId', 'tag', 'cursor', 'limit']);
  const from = query.cursor === undefined ? FROM_THE_TOP : parseCursor(query.cursor);
  if (from === undefined) throw badCursor();
  const asked = { words: wordsIn(query), datasetId: asText(query, 'datasetId'), tag: asText(query, 'tag') };
  const page = search.page(asked, from, integer(query, 'limit', 50, 1, MAX_LIMIT));
  if (page === undefined) throw badRequest(`more than ${MAX_STREAMS} streams match; narrow it by "datasetId" or "q"`);
  return page;
}

/** Whoever may read. */
export function catalogReadRoutes(server: FastifyInstance, { resolver }: CatalogRoutes): void {
  server.get('/resolve', async (request) => {
    const query = queryOf(request, ['versionId', 'datasetId', 'cursor', 'limit']);
    if ((query.versionId === undefined) === (query.datasetId === undefined)) {
      throw badRequest('name either "versionId" or "datasetId"');
    }
    if (query.versionId !== undefined) {
      if (query.cursor !== undefined || query.limit !== undefined) throw badRequest('a version has no pages');
      const versionId = required(query, 'versionId', VERSION_ID, '64 lower-case hex digits');
      return answering(() => resolver.version(versionId));
    }
    if (query.cursor !== undefined && query.cursor !== NO_PRODUCER && !KEY.test(query.cursor)) throw badCursor();
    return resolver.datasets(asText(query, 'datasetId') ?? '', query.cursor, integer(query, 'limit', 50, 1, MAX_LIMIT));
  });
}

/** Whoever shows who they are. */
export function catalogWriteRoutes(server: FastifyInstance, options: CatalogRoutes): void {
  const { receiver, catalogShareBytes } = options;

  server.post('/submit/dlm1', async (request) => {
    queryOf(request, []);
    checkMediaType(request, ['application/json']);
    return identified(options, request, BUILDER_BODY_BYTES, async (body, caller) => {
      const { manifest } = membersOf(body, ['manifest'], 'invalid-input');
      if (!isObject(manifest)) throw new Problem(400, 'invalid-input', '"manifest" is an object');
      return answering(() => receiver.declare(manifest, contributor(caller, catalogShareBytes)), BUILDER_WORDING);
    });
  });

  server.post('/submit', async (request) => {
    queryOf(request, []);
    const type = checkMediaType(request, ['application/json', 'application/octet-stream']);
    if (type === 'application/octet-stream') checkTopics(request);
    return identified(options, request, LIMITS.bodyBytes, async (body, caller) => {
      const by = contributor(caller, catalogShareBytes);
      if (type === 'application/octet-stream') return answering(() => receiver.receiveBeef(body, by));
      const submitted = submittedIn(body);
      return answering(() => receiver.receive(submitted, by));
    });
  });
}

/** Reads the body and who sent it, in this order: the signature covers the body. */
export function identified<T>(
  { bodies, guard }: Pick<CatalogRoutes, 'bodies' | 'guard'>,
  request: FastifyRequest,
  maxBytes: number,
  use: (body: Buffer, caller: Caller) => Promise<T>,
): Promise<T> {
  return bodies.with(request, false, async (body) => {
    if (body.length > maxBytes) {
      throw new Problem(413, 'body-too-large', `a body of this route is at most ${maxBytes} bytes, decoded`);
    }
    return use(body, await guard.requireIdentity(request, body));
  });
}

export function contributor(caller: Caller, maxBytes: number): Contributor {
  if (caller.kind === 'admin') return { key: undefined, maxBytes };
  return { key: caller.kind === 'identity' ? caller.key : 'anyone', maxBytes };
}

/** Has the catalog's refusals answered as problems. */
export function answering<T>(work: () => T, wording: Wording = {}): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof CatalogError) {
      const [status, code] = wording[cause.code] ?? WORDING[cause.code];
      throw new Problem(status, code, cause.message, { cause, extra: cause.extra });
    }
    if (!(cause instanceof StoreError) || cause.code !== 'write-failed') throw cause;
    const hint = 'it could not be written; free the disk and send it again, which is harmless';
    throw new Problem(503, 'storage-unavailable', hint, { retryAfter: 1, cause });
  }
}

/** A JSON object with no members but these. */
export function membersOf(body: Buffer, known: readonly string[], code: ProblemCode): Record<string, unknown> {
  const value = parsedJson(body, code);
  if (!isObject(value)) throw new Problem(400, code, 'the body is a JSON object');
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) throw new Problem(400, code, `unknown member; known are ${known.join(', ')}`);
  }
  return value;
}

export function checkMediaType(request: FastifyRequest, known: readonly string[]): string {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (known.includes(type)) return type;
  throw new Problem(415, 'unsupported-media-type', `Content-Type is ${known.join(' or ')}`);
}

/** Answers with JSON text that is ready. */
export function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(text);
}

function submittedIn(body: Buffer): SubmittedTransaction {
  const members = membersOf(body, ['rawTx', 'manifest', 'envelope', 'bump'], 'invalid-body');
  const { rawTx, manifest, envelope, bump } = members;
  if (rawTx === undefined)
    throw new Problem(400, 'invalid-rawtx', '"rawTx" is missing: the transaction in lower-case hex');
  if (manifest !== undefined && !isObject(manifest))
    throw new Problem(400, 'invalid-manifest', '"manifest" is an object');
  return { rawTx, manifest, evidence: evidenceIn(envelope, bump) };
}

function evidenceIn(envelope: unknown, bump: unknown): Evidence | undefined {
  const invalid = (hint: string) => new Problem(400, 'invalid-body', hint);
  if (envelope !== undefined && bump !== undefined) throw invalid('send "envelope" or "bump", not both');
  if (bump !== undefined) {
    if (typeof bump !== 'string') throw invalid('"bump" is a BUMP (BRC-74) in lower-case hex');
    return { kind: 'bump', bump };
  }
  if (envelope === undefined) return undefined;
  if (!isObject(envelope)) throw invalid('"envelope" is an SPV envelope, an object');
  return { kind: 'envelope', envelope };
}

/** BRC-22: the topics are named, and have no say in what is done here. */
function checkTopics(request: FastifyRequest): void {
  const header = request.headers['x-topics'];
  const topics = typeof header === 'string' ? parsedJson(Buffer.from(header), 'invalid-body') : undefined;
  const isList = Array.isArray(topics) && topics.length > 0 && topics.length <= MAX_TOPICS;
  if (isList && topics.every((topic) => typeof topic === 'string' && topic !== '')) return;
  throw new Problem(400, 'invalid-body', 'X-Topics is a JSON list of 1 to 64 names, as in BRC-22');
}

function parsedJson(bytes: Buffer, code: ProblemCode): unknown {
  try {
    // Bytes that are no UTF-8 would become other text, and that another hash.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new Problem(400, code, 'this is no JSON in UTF-8', { cause });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wordsIn(query: Query): string[] {
  const words =
    asText(query, 'q')
      ?.split(/\s+/)
      .filter((word) => word !== '') ?? [];
  if (words.length > MAX_WORDS) throw badRequest(`"q" is at most ${MAX_WORDS} words`);
  return words;
}

function asText(query: Query, name: string): string | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  // The search engine's texts end at a NUL.
  if (value.trim() === '' || value.length > MAX_TEXT || !value.isWellFormed() || value.includes('\0')) {
    throw badRequest(`"${name}" is text of 1 to ${MAX_TEXT} characters`);
  }
  return value;
}

function badCursor(): Problem {
  return badRequest('"cursor" is not one that this list has given out');
}
