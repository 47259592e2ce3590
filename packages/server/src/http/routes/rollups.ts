/** `GET /rollups`: what the packets of windows add up to. */
import type { FastifyInstance } from 'fastify';
import type { Rollups } from '../../read/rollups.ts';
import { badRequest, notFound } from '../problem.ts';
import { integer, queryOf } from '../query.ts';

export interface RollupRoutes {
  rollups: Rollups;
}

/** Each is a file to be read. */
const MAX_LIMIT = 200;

export function rollupRoutes(server: FastifyInstance, { rollups }: RollupRoutes): void {
  server.get('/rollups', async (request) => {
    const query = queryOf(request, ['stream', 'cursor', 'limit']);
    const page = rollups.page(query.stream, query.cursor, integer(query, 'limit', 50, 1, MAX_LIMIT));
    if (page === undefined) throw badRequest('"cursor" is not one that this list has given out');
    return page;
  });

  server.get<{ Params: { versionId: string } }>('/rollups/:versionId', async (request) => {
    queryOf(request, []);
    const rollup = rollups.one(request.params.versionId);
    if (rollup === undefined) throw notFound('there is no rollup with this versionId');
    return rollup;
  });
}
