/** `GET /watch`: the live feed, as server-sent events or, upgraded, over WebSocket. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import websocket, { type WebSocket } from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Reader, Readers } from '../../access/readers.ts';
import { type Beginning, Beginnings, type Moments } from '../../live/beginnings.ts';
import { type Outlet, SLOW_POLICIES, type SlowPolicy } from '../../live/client.ts';
import type { CursorCodec } from '../../live/cursor.ts';
import { EVENT_STREAM_CHUNKED, EVENT_STREAM_PLAIN, type Framing, WEB_SOCKET } from '../../live/framing.ts';
import type { Hub } from '../../live/hub.ts';
import { type LedgerMessages, MESSAGE_TYPES } from '../../live/messages.ts';
import { hello } from '../../live/notices.ts';
import { BEATS } from '../../live/pulse.ts';
import { type ConflationKey, conflationKey, Selection } from '../../live/selection.ts';
import type { Turns } from '../../live/turns.ts';
import type { LedgerReader } from '../../store/ledger.ts';
import type { Access } from '../access.ts';
import { fieldsOf, filterOf, keyOf, splitOf } from '../filter-query.ts';
import { badRequest, Problem } from '../problem.ts';
import { BEGINNINGS, integer, listOf, type Query, queryOf } from '../query.ts';
import { EventStreamOutlet, WebSocketOutlet } from '../watch-outlets.ts';
import { type WatchLimits, WatchPlaces } from '../watch-places.ts';

export interface WatchRoutes {
  hub: Hub;
  codec: CursorCodec;
  ledger: LedgerReader;
  messages: LedgerMessages;
  moments: Moments;
  turns: Turns;
  access: Access;
  readTokens: Readers;
  watch: WatchLimits & { heartbeatMs: number; historyMs: number };
  /** Milliseconds since 1970. */
  now: () => number;
}

const RECONNECT_MS = 1000;
/** Spreads clients that were all cut off at once. */
const RECONNECT_JITTER_MS = 2000;
const KEEP_ALIVE_MS = 60_000;
/** A gap is told to everybody. */
const FILTER_TYPES: readonly string[] = [...MESSAGE_TYPES, 'gap'];
/** Streams, or sources, in one list. */
const MAX_LISTED = 64;
const MAX_SNAPSHOT = 1000;
/** Nobody sends more than control frames. */
const MAX_INCOMING_BYTES = 4096;
const PARAMETERS = [
  ...['stream', 'sourceId', 'type', 'filter', 'split', 'key', 'fields', 'slow'],
  ...['since', 'last_event_id', 'snapshot', 'token'],
];

/** What a client has asked for, checked. */
interface Plan {
  selection: Selection;
  slow: SlowPolicy;
  key: ConflationKey;
  beginning: Beginning;
}

export async function watchRoutes(server: FastifyInstance, options: WatchRoutes): Promise<void> {
  const { hub, codec, access, watch, now } = options;
  const beginnings = new Beginnings({ ...options, historyMs: watch.historyMs });
  const places = new WatchPlaces(watch);
  const plans = new WeakMap<FastifyRequest, Plan>();
  const pulse = setInterval(() => hub.beat(), watch.heartbeatMs / BEATS);

  await server.register(websocket, {
    options: { maxPayload: MAX_INCOMING_BYTES, perMessageDeflate: false, autoPong: false },
    errorHandler: (_error, socket) => socket.terminate(),
    preClose(done) {
      clearInterval(pulse);
      hub.close('going-down');
      this.websocketServer.close(() => done());
    },
  });

  // For those who cannot send headers, as EventSource in browsers.
  server.post('/watch/token', async (request, reply) => {
    // One that passes is not for renewing itself.
    queryOf(request, []);
    const reader = access.readerOf(request);
    if (reader === undefined) throw new Problem(401, 'token-required', 'send a token as Authorization: Bearer …');
    const { token, expiresAt } = options.readTokens.issue(reader);
    reply.header('cache-control', 'no-store');
    return { token, expiresAt: new Date(expiresAt).toISOString() };
  });

  server.route({
    url: '/watch',
    method: 'GET',
    // A HEAD would hold a place and never end.
    exposeHeadRoute: false,
    // Whoever is refused is refused before anything is upgraded.
    preHandler: async (request, reply) => {
      if (request.ws) access.checkOrigin(request);
      // Behind another request on the same connection there is no socket to write to yet.
      if (reply.raw.socket === null) throw badRequest('/watch wants a connection of its own, or to be the first on it');
      plans.set(request, await plan(request));
    },
    handler: (request, reply) => {
      reply.hijack();
      const { raw } = reply;
      const { socket } = raw;
      if (socket === null || socket.destroyed) raw.destroy();
      else follow(planOf(request), socket, new EventStreamOutlet(raw, socket), openEventStream(reply));
    },
    wsHandler: (webSocket: WebSocket, request) => {
      const { socket } = request.raw;
      follow(planOf(request), socket, new WebSocketOutlet(webSocket, socket), WEB_SOCKET);
    },
  });

  async function plan(request: FastifyRequest): Promise<Plan> {
    const query = queryOf(request, PARAMETERS);
    const reader = access.readerOf(request);
    const selection = selectionOf(query, streamsOf(query, reader));
    const common = { selection, slow: slowOf(query), key: conflationKey(keyOf(query)) };
    const giveBack = places.take(request.ip, reader?.id);
    try {
      const beginning = await beginningOf(query, header(request, 'last-event-id'), selection);
      const { socket } = request.raw;
      if (socket.destroyed) giveBack();
      else socket.once('close', giveBack);
      return { ...common, beginning };
    } catch (cause) {
      giveBack();
      throw cause;
    }
  }

  /** Those that are asked for, all of which have to be readable; else all that are. */
  function streamsOf(query: Query, reader: Reader | undefined): Set<string> | undefined {
    const named = shortListOf(query, 'stream');
    for (const stream of named ?? []) access.checkStream(reader, stream);
    const streams = named ?? access.readable(reader);
    if (streams?.size !== 0) return streams;
    throw new Problem(401, 'token-required', 'no stream is public here; send a read token as Authorization: Bearer …');
  }

  function planOf(request: FastifyRequest): Plan {
    const found = plans.get(request)!;
    plans.delete(request);
    return found;
  }

  async function beginningOf(query: Query, lastEventId: string | undefined, selection: Selection): Promise<Beginning> {
    const { since } = query;
    const snapshot = integer(query, 'snapshot', 0, 1, MAX_SNAPSHOT);
    const last = lastEventId ?? query.last_event_id;
    if (last !== undefined) return beginnings.after(last, selection);
    if (since === undefined && snapshot > 0) return beginnings.newest(snapshot, selection);
    const beginning = beginnings.since(since, selection);
    if (beginning === undefined) throw badRequest(`"since" is ${BEGINNINGS}`);
    return beginning;
  }

  function follow(plan: Plan, socket: Socket, outlet: Outlet, framing: Framing): void {
    const { selection, slow, key, beginning } = plan;
    const { from, gap } = beginning;
    const retryMs = RECONNECT_MS + Math.floor(Math.random() * RECONNECT_JITTER_MS);
    const id = codec.encode(from);
    const greeting = hello({ now: now(), heartbeatMs: watch.heartbeatMs, retryMs });
    // The cursor behind a gap comes with the gap: whoever is cut off in between is told of it again.
    const frames =
      gap === undefined ? [framing.frame(id, greeting)] : [framing.frame(undefined, greeting), framing.frame(id, gap)];
    outlet.write(framing.pack([...framing.retry(retryMs), ...frames]));
    // Whoever has vanished is noticed though nothing is to be told.
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const client = hub.join({ outlet, selection, framing, slow, key }, from);
    socket.once('close', () => hub.leave(client));
  }
}

function openEventStream(reply: FastifyReply): Framing {
  const response = reply.raw;
  response.writeHead(200, {
    // Those for pages of other sites.
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    // Nothing follows it: what was written past the response, and the place that is held, end with the connection.
    connection: 'close',
  });
  response.flushHeaders();
  return response.chunkedEncoding ? EVENT_STREAM_CHUNKED : EVENT_STREAM_PLAIN;
}

function selectionOf(query: Query, streams: Set<string> | undefined): Selection {
  const types = listOf(query, 'type');
  for (const type of types ?? []) {
    if (!FILTER_TYPES.includes(type)) throw badRequest(`"type" is a list of ${FILTER_TYPES.join(', ')}`);
  }
  const sources = shortListOf(query, 'sourceId');
  return new Selection({
    ...{ types, streams, sources, filter: filterOf(query), split: splitOf(query), fields: fieldsOf(query) },
  });
}

function shortListOf(query: Query, name: string): Set<string> | undefined {
  const list = listOf(query, name);
  if (list !== undefined && list.size > MAX_LISTED) throw badRequest(`"${name}" names at most ${MAX_LISTED}`);
  return list;
}

function slowOf({ slow }: Query): SlowPolicy {
  const known = SLOW_POLICIES.find((policy) => policy === (slow ?? 'complete'));
  if (known === undefined) throw badRequest(`"slow" is one of ${SLOW_POLICIES.join(', ')}`);
  return known;
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
