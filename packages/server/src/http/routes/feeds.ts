/** What there is, page by page: `/feed` in log order, `/ingest/feed` newest first. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Fields } from '../../filter/fields.ts';
import type { Filter } from '../../filter/filter.ts';
import { parseRfc3339 } from '../../json/time.ts';
import type { Moments } from '../../live/beginnings.ts';
import type { Cursor, CursorCodec } from '../../live/cursor.ts';
import type { Hub } from '../../live/hub.ts';
import type { Turns } from '../../live/turns.ts';
import type { EventReader } from '../../read/events.ts';
import type { EventItem, Status } from '../../read/item.ts';
import type { LogFeed } from '../../read/log-feed.ts';
import type { Access } from '../access.ts';
import { entityTag, namesTag } from '../entity-tag.ts';
import type { FeedCache } from '../feed-cache.ts';
import { fieldsOf, filterOf } from '../filter-query.ts';
import { badRequest } from '../problem.ts';
import { BEGINNINGS, integer, listOf, type Query, queryOf } from '../query.ts';

export interface FeedRoutes {
  events: EventReader;
  logFeed: LogFeed;
  moments: Moments;
  turns: Turns;
  hub: Hub;
  codec: CursorCodec;
  access: Access;
  feedCache: FeedCache;
  feedCacheTtlMs: number;
}

interface Page {
  items: EventItem[];
  nextCursor: string | null;
  /** There is nothing more yet: who follows the log and asks again is to have what comes at once. */
  atEnd: boolean;
}

const STATUSES: readonly Status[] = ['received', 'certified', 'quarantined', 'failed'];
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1000;
const MAX_OFFSET = 10_000;
/** Events looked at before all else that this thread does gets its turn: some 15 ms. */
const EVENTS_A_TURN = 100;
/** For one page of a filtered list, beside what an offset passes by; such a page may be short. */
const TURNS = 20;
const BEGINNING: Cursor = { journal: 0, ledger: 0 };

export function feedRoutes(server: FastifyInstance, options: FeedRoutes): void {
  const { turns } = options;

  server.get('/feed', async (request, reply) => {
    const query = queryOf(request, ['stream', 'sourceId', 'filter', 'since', 'cursor', 'limit', 'fields', 'token']);
    const streams = listOf(query, 'stream');
    const sources = listOf(query, 'sourceId');
    checkStreams(request, streams);
    const { filter, fields, limit } = selectionOf(query);
    if (query.since !== undefined && query.cursor !== undefined) {
      throw badRequest('"since" says where to begin, "cursor" where to go on; send one of them');
    }
    const start = query.cursor ?? query.since ?? 'earliest';
    // What is not a cursor must not be taken for one because it is sent as "cursor".
    const name = query.cursor === undefined ? 'since' : 'cursor';
    const lists = [streams, sources].map((list) => list && [...list].sort());
    const key = ['feed', ...lists, filter?.canonical, fields?.canonical, name, start, limit];
    return answer(request, reply, key, fields, () =>
      turns.run(logPage({ streams, sources, filter, name, start, limit }, options)),
    );
  });

  server.get('/ingest/feed', async (request, reply) => {
    access.checkReader(request);
    const known = ['sourceId', 'status', 'filter', 'limit', 'offset', 'cursor', 'fields'];
    const query = queryOf(request, known);
    const { sourceId, cursor } = query;
    if (sourceId?.includes(',') === true) throw badRequest('"sourceId" names one source here');
    const { filter, fields, limit } = selectionOf(query);
    const status = statusOf(query);
    if (query.offset !== undefined && cursor !== undefined) {
      throw badRequest('"offset" counts from the newest event, "cursor" goes on below one; send one of them');
    }
    const offset = integer(query, 'offset', 0, 0, MAX_OFFSET);
    const key = ['newest', sourceId, status, filter?.canonical, fields?.canonical, cursor, offset, limit];
    return answer(request, reply, key, fields, () =>
      turns.run(newestPage({ sourceId, status, filter, cursor, offset, limit }, options)),
    );
  });

  const { feedCache, feedCacheTtlMs, access } = options;
  const age = feedCacheTtlMs === 0 ? 'no-cache' : `max-age=${Math.floor(feedCacheTtlMs / 1000)}`;
  const visibility = access.restricted ? 'private, ' : '';
  const cacheControl = `${visibility}${age}`;

  /** A page is the same for all who may see it. */
  function checkStreams(request: FastifyRequest, streams: ReadonlySet<string> | undefined): void {
    const reader = access.readerOf(request);
    if (streams !== undefined) for (const stream of streams) access.checkStream(reader, stream);
    else if (reader === undefined) access.checkReader(request);
    else if (access.readable(reader) !== undefined) {
      throw badRequest('"stream" names the one to be read: without it, the feed is of all streams, private ones too');
    }
  }

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    key: readonly unknown[],
    fields: Fields | undefined,
    page: () => Promise<Page>,
  ): Promise<FastifyReply> {
    const { body, etag, keep } = await feedCache.get(JSON.stringify(key), async () => {
      const { items, nextCursor, atEnd } = await page();
      const shown = fields === undefined ? items : items.map((item) => fields.project({ ...item }, []));
      const made = Buffer.from(JSON.stringify({ items: shown, nextCursor }));
      return { body: made, etag: entityTag(made), keep: !atEnd };
    });
    // Whoever follows by asking again is to have what comes at once.
    reply.header('etag', etag).header('cache-control', keep ? cacheControl : `${visibility}no-cache`);
    if (namesTag(request.headers['if-none-match'], etag)) return reply.code(304).send();
    return reply.type('application/json; charset=utf-8').send(body);
  }
}

function selectionOf(query: Query): { filter: Filter | undefined; fields: Fields | undefined; limit: number } {
  const limit = integer(query, 'limit', DEFAULT_LIMIT, 1, MAX_LIMIT);
  return { filter: filterOf(query), fields: fieldsOf(query), limit };
}

function statusOf({ status }: Query): Status | undefined {
  const found = STATUSES.find((known) => known === status);
  if (status !== undefined && found === undefined) throw badRequest(`"status" is one of ${STATUSES.join(', ')}`);
  return found;
}

interface LogQuery {
  streams: ReadonlySet<string> | undefined;
  sources: ReadonlySet<string> | undefined;
  filter: Filter | undefined;
  name: 'since' | 'cursor';
  start: string;
  limit: number;
}

function* logPage(
  { streams, sources, filter, name, start, limit }: LogQuery,
  options: FeedRoutes,
): Generator<void, Page> {
  const { logFeed, codec, hub } = options;
  // A cursor is given out and taken back within the same heads.
  const heads = hub.refresh();
  const from = name === 'since' ? beginningOf(start, heads, options) : codec.decode(start, heads);
  if (from === undefined) {
    throw badRequest(
      name === 'since'
        ? `"since" is ${BEGINNINGS}`
        : '"cursor" is not one that this server has given out; to begin somewhere, use "since"',
    );
  }
  const query = { streams, sources, matches: matcherOf(filter) };
  const items: EventItem[] = [];
  let next = from.ledger;
  for (let taken = 0; taken < TURNS && items.length < limit; taken++) {
    if (taken > 0) yield;
    const part = logFeed.page(next, heads.ledger, limit - items.length, query, EVENTS_A_TURN);
    items.push(...part.items);
    if (part.next === next) break;
    next = part.next;
  }
  // Whoever follows from here on is not to be told of what was received long before.
  const journal = Math.max(from.journal, next === heads.ledger ? heads.journal : logFeed.takenIn(next));
  return { items, nextCursor: codec.encode({ journal, ledger: next }), atEnd: next === from.ledger };
}

function beginningOf(since: string, heads: Cursor, { codec, moments }: FeedRoutes): Cursor | undefined {
  if (since === 'earliest') return BEGINNING;
  if (since === 'latest') return heads;
  const time = parseRfc3339(since);
  if (time === undefined) return codec.decode(since, heads);
  return {
    journal: Math.min(moments.journalBefore(time), heads.journal),
    ledger: Math.min(moments.ledgerBefore(time), heads.ledger),
  };
}

interface NewestQuery {
  sourceId: string | undefined;
  status: Status | undefined;
  filter: Filter | undefined;
  cursor: string | undefined;
  offset: number;
  limit: number;
}

function* newestPage(query: NewestQuery, { events, codec, hub }: FeedRoutes): Generator<void, Page> {
  const { sourceId, status, filter, cursor, offset, limit } = query;
  const below = cursor === undefined ? undefined : codec.decode(cursor, hub.refresh());
  if (cursor !== undefined && below?.ledger !== 0) {
    throw badRequest('"cursor" is not one that this feed has given out');
  }
  const wanted = { sourceId, status, matches: matcherOf(filter) };
  const items: EventItem[] = [];
  let before = below?.journal;
  let skip = offset;
  for (let taken = 0; taken < TURNS + offset / EVENTS_A_TURN && items.length < limit; taken++) {
    if (taken > 0) yield;
    const bounds = { before, offset: skip, limit: limit - items.length, scanLimit: EVENTS_A_TURN };
    const part = events.newest(wanted, bounds);
    items.push(...part.items);
    before = part.next;
    skip = part.offset;
    if (before === undefined) break;
  }
  const nextCursor = before === undefined ? null : codec.encode({ journal: before, ledger: 0 });
  return { items, nextCursor, atEnd: false };
}

function matcherOf(filter: Filter | undefined): ((item: EventItem) => boolean) | undefined {
  return filter && ((item) => filter.matches({ ...item }));
}
