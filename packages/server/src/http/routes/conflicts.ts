/** `GET /ingest/conflicts`: the audit trail of fusion decisions. */
import type { FastifyInstance } from 'fastify';
import type { Decisions } from '../../read/decisions.ts';
import { badRequest } from '../problem.ts';
import { boolean, integer, queryOf } from '../query.ts';

export interface ConflictRoutes {
  decisions: Decisions;
}

const MAX_LIMIT = 1000;

export function conflictRoutes(server: FastifyInstance, { decisions }: ConflictRoutes): void {
  server.get('/ingest/conflicts', async (request) => {
    const query = queryOf(request, ['stream', 'all', 'cursor', 'limit']);
    const { stream, cursor } = query;
    const filter = {
      ...(stream === undefined ? {} : { stream }),
      conflictsOnly: !boolean(query, 'all', false),
    };
    const page = decisions.page(filter, cursor, integer(query, 'limit', 50, 1, MAX_LIMIT));
    if (page === undefined) throw badRequest('"cursor" is not one that this list has given out');
    return page;
  });
}
