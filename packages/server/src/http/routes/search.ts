/** `/search`: datasets and versions of the catalogue, or, with a mode, the texts of what was ingested. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BatchDesk } from '../../batches/desk.ts';
import { BatchError } from '../../batches/errors.ts';
import type { LeafExtent, LockedLeaves } from '../../batches/locked-leaves.ts';
import { SearchError, type SearchErrorCode } from '../../search/errors.ts';
import { type Hit, MAX_HITS, type SearchMode, type SearchQuery } from '../../search/service.ts';
import type { LedgerReader } from '../../store/ledger.ts';
import type { Access } from '../access.ts';
import type { BodyReader } from '../body.ts';
import { goneWith } from '../gone.ts';
import { type Members, readMembers } from '../json-body.ts';
import { badRequest, Problem, type ProblemCode } from '../problem.ts';
import { type CatalogRoutes, searchCatalog } from './catalog.ts';

export interface SearchRoutes extends Pick<CatalogRoutes, 'search'> {
  records: { search(query: SearchQuery, signal?: AbortSignal): Promise<Hit[]> };
  searched: ReadonlyMap<string, readonly string[]>;
  ledger: LedgerReader;
  batches: BatchDesk;
  lockedLeaves: LockedLeaves;
  access: Access;
  bodies: BodyReader;
}

const MODES: readonly SearchMode[] = ['fulltext', 'semantic', 'hybrid'];
const PARAMETERS = ['mode', 'q', 'k', 'stream', 'batch', 'from', 'to', 'token'];
const DEFAULT_HITS = 10;

const STATUS: Record<SearchErrorCode, [status: number, code: ProblemCode]> = {
  'query-invalid': [400, 'query-invalid'],
  'not-searched': [404, 'not-searched'],
  'embedding-failed': [503, 'embedding-unavailable'],
  cancelled: [503, 'overloaded'],
  unavailable: [503, 'storage-unavailable'],
};

export function searchRoutes(server: FastifyInstance, options: SearchRoutes): void {
  const { access, bodies } = options;
  server.get('/search', async (request, reply) => {
    if ((request.query as Members).mode !== undefined) return find(request, reply, asMembers(request), options);
    access.checkReader(request);
    return searchCatalog(request, options);
  });

  // Vectors are too long for a URL.
  server.post('/search', async (request, reply) =>
    find(request, reply, await readMembers(request, bodies, [...PARAMETERS, 'vector']), options),
  );
}

async function find(
  request: FastifyRequest,
  reply: FastifyReply,
  members: Members,
  options: SearchRoutes,
): Promise<object> {
  const { ledger, records } = options;
  const query = { ...questionOf(members), ...scopeOf(request, members, options) };
  const hits = await answering(() => records.search(query, goneWith(reply)));
  // A batch may have been locked, or have begun, while it was searched.
  const locked = options.lockedLeaves.extents();
  const items = hits.filter((hit) => !locked.some((extent) => holds(extent, hit))).map((hit) => shown(hit, ledger));
  return { mode: query.mode, items };
}

/** With what it takes to have the hit certified: the packet that holds it, and where its proof is. */
function shown({ leaf, eventTime, ...hit }: Hit, ledger: LedgerReader): object {
  const packet = ledger.packetOfLeaf(hit.stream, leaf);
  return {
    ...hit,
    leafIndex: leaf,
    eventTime: new Date(eventTime).toISOString(),
    packet: packet === undefined ? null : { start: packet.start, end: packet.end },
    versionId: packet?.versionId ?? null,
    batchTag: ledger.rollups.over(hit.stream, leaf)?.batch ?? null,
    proof: `/ingest/events/${hit.eventId}/proof`,
  };
}

function holds({ stream, start, end }: LeafExtent, hit: Hit): boolean {
  return hit.stream === stream && start <= hit.leaf && hit.leaf < end;
}

function questionOf({ mode, q, k, vector }: Members): SearchQuery {
  const known = MODES.find((one) => one === mode);
  if (known === undefined) throw badRequest(`"mode" is one of ${MODES.join(', ')}`);
  if (q !== undefined && typeof q !== 'string') throw badRequest('"q" is text');
  const count = typeof k === 'string' && /^\d{1,3}$/.test(k) ? Number(k) : (k ?? DEFAULT_HITS);
  if (!Number.isInteger(count) || Number(count) < 1 || Number(count) > MAX_HITS) {
    throw badRequest(`"k" is a whole number from 1 to ${MAX_HITS}`);
  }
  if (vector !== undefined && !(Array.isArray(vector) && vector.every((part) => typeof part === 'number'))) {
    throw badRequest('"vector" is a list of numbers');
  }
  return {
    mode: known,
    k: Number(count),
    ...(q !== undefined && { text: q }),
    ...(vector !== undefined && { vector }),
  };
}

/** What whoever asks may see, and of that, what is asked for. */
function scopeOf(
  request: FastifyRequest,
  { stream, batch, from, to }: Members,
  { access, searched, batches, lockedLeaves }: SearchRoutes,
): Pick<SearchQuery, 'streams' | 'ranges' | 'hidden' | 'from' | 'to'> {
  const reader = access.readerOf(request);
  const readable = [...searched.keys()].filter((one) => access.mayRead(reader, one));
  if (stream !== undefined) {
    if (typeof stream !== 'string' || !searched.has(stream)) {
      throw new Problem(
        404,
        'not-searched',
        `this stream is not searched; those are: ${readable.join(', ') || 'none'}`,
      );
    }
    access.checkStream(reader, stream);
  } else if (readable.length === 0 && searched.size > 0) access.checkReader(request);
  const hidden = lockedLeaves.extents();
  return {
    streams: new Set(stream === undefined ? readable : [stream]),
    hidden,
    ...(batch !== undefined && { ranges: rangeOfAsked(batches, batch) }),
    ...timeOf('from', from),
    ...timeOf('to', to),
  };
}

function rangeOfAsked(batches: BatchDesk, batch: unknown): NonNullable<SearchQuery['ranges']> {
  if (typeof batch !== 'string') throw badRequest('"batch" is a batch tag');
  try {
    return rangeOf(batches, batch);
  } catch (cause) {
    if (!(cause instanceof BatchError)) throw cause;
    throw new Problem(404, 'batch-not-found', cause.message, { cause });
  }
}

function rangeOf(batches: BatchDesk, tag: string): { stream: string; start: number; end: number }[] {
  const { facts, leaves } = batches.one(tag);
  return facts.stream === undefined || leaves === undefined ? [] : [{ stream: facts.stream, ...leaves }];
}

function timeOf(name: 'from' | 'to', value: unknown): Partial<Record<'from' | 'to', number>> {
  if (value === undefined) return {};
  const time = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw badRequest(`"${name}" is an RFC 3339 time (in a URL, + is written as %2B)`);
  return { [name]: time };
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

function asMembers(request: FastifyRequest): Members {
  const query = request.query as Record<string, unknown>;
  for (const [name, value] of Object.entries(query)) {
    if (!PARAMETERS.includes(name)) throw badRequest(`unknown parameter "${name}"; known are ${PARAMETERS.join(', ')}`);
    if (typeof value !== 'string') throw badRequest(`the parameter "${name}" is given twice`);
  }
  return query;
}

async function answering<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof SearchError)) throw cause;
    const [status, code] = STATUS[cause.code];
    throw new Problem(status, code, cause.message, { cause, ...(status === 503 && { retryAfter: 1 }) });
  }
}
