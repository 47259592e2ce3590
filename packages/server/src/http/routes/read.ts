/** Feeds, single events and their traces. */
import type { FastifyInstance } from 'fastify';
import type { CursorCodec } from '../../live/cursor.ts';
import type { Hub } from '../../live/hub.ts';
import { type EventReader, type EventRecord, type Status, toItem } from '../../read/events.ts';
import { evidenceOf, traceOf } from '../../read/evidence.ts';
import type { LogFeed } from '../../read/log-feed.ts';
import type { Reconstruction } from '../../read/reconstruction.ts';
import { type EventVersions, seqOf } from '../event-versions.ts';
import { badRequest } from '../problem.ts';
import { integer, queryOf } from '../query.ts';

export interface ReadRoutes {
  events: EventReader;
  logFeed: LogFeed;
  reconstruction: Reconstruction;
  hub: Hub;
  codec: CursorCodec;
  versions: EventVersions;
  feedCacheTtlMs: number;
}

const STATUSES: readonly Status[] = ['received', 'certified', 'quarantined'];
const MAX_LIMIT = 1000;
const MAX_OFFSET = 10_000;
/** Events looked at for one page of a filtered list, beside those passed by; such a page may be short. */
const SCAN_LIMIT = 2_000;

export function readRoutes(server: FastifyInstance, options: ReadRoutes): void {
  const { events, logFeed, reconstruction, hub, codec, versions, feedCacheTtlMs } = options;
  const cacheControl = `max-age=${Math.floor(feedCacheTtlMs / 1000)}`;

  server.get('/ingest/feed', async (request, reply) => {
    const query = queryOf(request, ['sourceId', 'status', 'limit', 'offset']);
    const status = STATUSES.find((known) => known === query.status);
    if (query.status !== undefined && status === undefined) {
      throw badRequest(`"status" is one of ${STATUSES.join(', ')}`);
    }
    const filter = {
      ...(query.sourceId === undefined ? {} : { sourceId: query.sourceId }),
      ...(status === undefined ? {} : { status }),
    };
    const offset = integer(query, 'offset', 0, 0, MAX_OFFSET);
    const limit = integer(query, 'limit', 50, 1, MAX_LIMIT);
    reply.header('cache-control', cacheControl);
    return { items: events.newest(filter, offset, limit, offset + SCAN_LIMIT) };
  });

  server.get('/feed', async (request, reply) => {
    const query = queryOf(request, ['stream', 'sourceId', 'cursor', 'limit']);
    // A cursor is given out and taken back within the same heads.
    const heads = hub.refresh();
    const from = query.cursor === undefined ? { journal: 0, ledger: 0 } : codec.decode(query.cursor, heads);
    if (from === undefined) throw badRequest('"cursor" is not one that this server has given out');
    const limit = integer(query, 'limit', 50, 1, MAX_LIMIT);
    const { items, next } = logFeed.page(from.ledger, heads.ledger, limit, query.stream, query.sourceId);
    reply.header('cache-control', cacheControl);
    return { items, nextCursor: codec.encode({ journal: from.journal, ledger: next }) };
  });

  server.get<{ Params: { id: string } }>('/ingest/events/:id', async (request) => {
    const query = queryOf(request, ['seq']);
    const all = await versions.all(request.params.id);
    const record = versions.select(all, query);
    const rebuilt = reconstruction.of(record);
    const { normalized, ...item } = toItem(record);
    return {
      ...item,
      raw: rebuilt.raw,
      normalized: normalized ?? rebuilt.normalized ?? null,
      evidence: evidenceOf(record, rebuilt),
      lastError: record.certified?.reasons?.join('; ') ?? null,
      ...(all.length > 1 ? { versions: all.map(versionOf) } : {}),
    };
  });

  server.get<{ Params: { id: string } }>('/ingest/events/:id/trace', async (request) => {
    queryOf(request, []);
    const all = await versions.all(request.params.id);
    return {
      eventId: request.params.id,
      versions: all.map((record) => traceOf(record, reconstruction.of(record))),
    };
  });
}

function versionOf(record: EventRecord): object {
  const { entry, place, certified } = record;
  const versionId = certified?.packet.versionId ?? null;
  return { sourceId: entry.source, seq: seqOf(record), rawHash: entry.events.rawHash(place), versionId };
}
