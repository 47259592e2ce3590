/** `GET /watch`: the live feed as server-sent events. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Cursor, CursorCodec } from '../../live/cursor.ts';
import type { Client, Hub, WatchFilter } from '../../live/hub.ts';
import { MESSAGE_TYPES } from '../../live/messages.ts';
import { badRequest, Problem } from '../problem.ts';
import { listOf, queryOf } from '../query.ts';

export interface WatchRoutes {
  hub: Hub;
  codec: CursorCodec;
  watch: { maxClients: number; heartbeatMs: number };
}

const RECONNECT_MS = 1000;
/** Spreads clients that were all cut off at once. */
const RECONNECT_JITTER_MS = 2000;
/** A client that takes nothing for so many heartbeats is gone, or as good as. */
const MISSED_HEARTBEATS = 4;
/** A gap is told to everybody. */
const FILTER_TYPES: readonly string[] = [...MESSAGE_TYPES, 'gap'];
const BEGINNING: Cursor = { journal: 0, ledger: 0 };

export function watchRoutes(server: FastifyInstance, { hub, codec, watch }: WatchRoutes): void {
  const open = new Set<ServerResponse>();

  // A HEAD would hold a place and never end.
  server.get('/watch', { exposeHeadRoute: false }, async (request, reply) => {
    const query = queryOf(request, ['stream', 'sourceId', 'type', 'since', 'last_event_id']);
    const filter = {
      types: typesOf(listOf(query, 'type')),
      streams: listOf(query, 'stream'),
      sources: listOf(query, 'sourceId'),
    };
    if (hub.size >= watch.maxClients) {
      throw new Problem(503, 'too-many-watchers', `at most ${watch.maxClients} may watch at once`, { retryAfter: 5 });
    }
    const wanted = header(request, 'last-event-id') ?? query.last_event_id ?? query.since;
    reply.hijack();
    follow(reply.raw, filter, wanted);
  });

  server.addHook('preClose', async () => {
    for (const response of open) response.end(': the server is going down; come back with Last-Event-ID\n\n');
  });

  function follow(response: ServerResponse, filter: WatchFilter, wanted: string | undefined): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      connection: 'keep-alive',
    });
    const from = startOf(wanted);
    const retry = RECONNECT_MS + Math.floor(Math.random() * RECONNECT_JITTER_MS);
    const start = from ?? hub.heads;
    let opening = `retry: ${retry}\n${message({ type: 'hello', ts: Date.now() }, start)}`;
    if (from === undefined && wanted !== undefined) opening += message(gap(wanted), start);
    response.write(opening);
    let client: Client | undefined;
    let missed = 0;
    const heartbeat = setInterval(() => {
      missed = response.writableNeedDrain ? missed + 1 : 0;
      if (missed === 0) response.write(message({ type: 'heartbeat', ts: Date.now() }));
      else if (missed >= MISSED_HEARTBEATS) response.destroy();
    }, watch.heartbeatMs);
    open.add(response);
    response.on('drain', () => client && hub.resume(client));
    response.on('close', () => {
      clearInterval(heartbeat);
      open.delete(response);
      if (client !== undefined) hub.leave(client);
    });
    client = hub.join({ send: (frames) => response.write(frames) }, filter, start);
  }

  /** Where a client begins: undefined when it asked for a place that this server does not know. */
  function startOf(wanted: string | undefined): Cursor | undefined {
    if (wanted === undefined || wanted === 'latest') return hub.heads;
    if (wanted === 'earliest') return BEGINNING;
    return codec.decode(wanted, hub.heads);
  }

  function message(body: object, at?: Cursor): string {
    const id = at === undefined ? '' : `id: ${codec.encode(at)}\n`;
    return `${id}data: ${JSON.stringify(body)}\n\n`;
  }
}

function gap(cursor: string): object {
  return {
    type: 'gap',
    reason: 'unknown-cursor',
    cursor: cursor.slice(0, 64),
    hint: 'following from now on; read /feed for what was before',
  };
}

function typesOf(types: Set<string> | undefined): Set<string> | undefined {
  for (const type of types ?? []) {
    if (!FILTER_TYPES.includes(type)) throw badRequest(`"type" is a list of ${FILTER_TYPES.join(', ')}`);
  }
  return types;
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
