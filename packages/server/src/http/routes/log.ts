/** The streams' logs for those who watch them: checkpoints, tiles and proofs, see https://c2sp.org/tlog-tiles. */
import { ProofError, parseCheckpoint, parseTilePath, type TilePath } from '@tidemark/proof';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { LogTiles } from '../../read/log-tiles.ts';
import type { PacketRow, StreamRow } from '../../store/ledger.ts';
import type { Access } from '../access.ts';
import { entityTag, namesTag } from '../entity-tag.ts';
import { badRequest, notFound, Problem } from '../problem.ts';
import { integer, type Query, queryOf, required } from '../query.ts';

export interface LogRoutes {
  logTiles: LogTiles;
  /** Signature lines of the witnesses that have cosigned a packet's checkpoint. */
  cosignatures: (versionId: string) => string[];
  access: Access;
}

/** What has been published stays as it is. */
const FOR_EVER = 'max-age=31536000, immutable';

/** Of each route. */
const PARAMETERS = ['token'];

interface OfStream {
  Params: { stream: string };
}

export function logRoutes(server: FastifyInstance, { logTiles, cosignatures, access }: LogRoutes): void {
  server.get('/log', async (request) => {
    queryOf(request, PARAMETERS);
    const reader = access.readerOf(request);
    const rows = logTiles.streams().filter(({ stream }) => access.mayRead(reader, stream));
    return { items: rows.flatMap((row) => summaryOf(row)) };
  });

  server.get<OfStream>('/log/:stream/checkpoint', async (request, reply) => {
    const packet = packetOf(streamOf(request), queryOf(request, [...PARAMETERS, 'size']));
    const note = packet.checkpoint + cosignatures(packet.versionId).join('');
    return answerChanging(request, reply, 'text/plain; charset=utf-8', note);
  });

  server.get<OfStream>('/log/:stream/manifest', async (request, reply) => {
    const { versionId, manifest } = packetOf(streamOf(request), queryOf(request, [...PARAMETERS, 'size']));
    const answer = `{"versionId":"${versionId}","manifest":${manifest}}`;
    return answerChanging(request, reply, 'application/json; charset=utf-8', answer);
  });

  server.get<{ Params: { stream: string; '*': string } }>('/log/:stream/tile/*', async (request, reply) => {
    queryOf(request, PARAMETERS);
    const path = pathOf(request.params['*']);
    const tile = logTiles.tile(streamOf(request), path);
    if (tile === undefined) throw notFound('no checkpoint covers this tile; a smaller width may be there');
    reply
      .header('cache-control', `${access.restricted ? 'private' : 'public'}, ${FOR_EVER}`)
      .header('content-type', 'application/octet-stream');
    return Buffer.from(tile.buffer, tile.byteOffset, tile.length);
  });

  server.get<OfStream>('/log/:stream/consistency', async (request) => {
    const query = queryOf(request, [...PARAMETERS, 'from', 'to']);
    const row = sealedOf(streamOf(request));
    for (const name of ['from', 'to']) required(query, name, /^\d+$/, 'the size of a tree');
    const to = integer(query, 'to', row.size, 1, row.size);
    const from = integer(query, 'from', 1, 1, to);
    return { from, to, hashes: logTiles.consistency(row, from, to) };
  });

  server.get<OfStream>('/log/:stream/key', async (request) => {
    queryOf(request, PARAMETERS);
    return logTiles.key(streamOf(request));
  });

  function streamOf(request: FastifyRequest<{ Params: { stream: string } }>): StreamRow {
    const { stream } = request.params;
    access.checkStream(access.readerOf(request), stream);
    const row = logTiles.stream(stream);
    if (row === undefined) throw notFound('there is no log of this stream; /log lists those that there are');
    return row;
  }

  function sealedOf(row: StreamRow): StreamRow {
    if (row.head !== undefined) return row;
    throw new Problem(404, 'not-certified-yet', 'nothing of this stream is sealed yet; ask again', { retryAfter: 1 });
  }

  function packetOf(row: StreamRow, query: Query): PacketRow {
    const { size } = query;
    const wanted = size === undefined ? undefined : integer(query, 'size', 0, 0, Number.MAX_SAFE_INTEGER);
    const packet = logTiles.packet(sealedOf(row), wanted);
    if (packet === undefined) throw notFound('no packet of this stream ends at this size');
    return packet;
  }

  function summaryOf(row: StreamRow): object[] {
    const packet = logTiles.packet(row);
    if (packet === undefined) return [];
    const { size, root } = parseCheckpoint(packet.checkpoint);
    return [{ ...logTiles.key(row), size, root }];
  }
}

/** What changes as the log grows, and as witnesses cosign it: to be asked for each time, and sent when it is new. */
function answerChanging(request: FastifyRequest, reply: FastifyReply, type: string, body: string): FastifyReply {
  const tag = entityTag(body);
  reply.header('cache-control', 'no-cache').header('etag', tag);
  if (namesTag(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.header('content-type', type).send(body);
}

function pathOf(text: string): TilePath {
  try {
    return parseTilePath(text);
  } catch (cause) {
    if (cause instanceof ProofError) throw badRequest(cause.message);
    throw cause;
  }
}
