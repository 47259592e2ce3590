/** Erasing an event of a salted stream. */
import type { FastifyInstance } from 'fastify';
import type { ErasureDesk } from '../../operation/erasure-desk.ts';
import { seqOf } from '../../read/events.ts';
import { erasedBy } from '../../read/item.ts';
import type { BodyReader } from '../body.ts';
import type { EventVersions } from '../event-versions.ts';
import { readMembers, text } from '../json-body.ts';
import { badRequest, notFound, Problem } from '../problem.ts';

export interface ErasureRoutes {
  erasures: ErasureDesk;
  versions: EventVersions;
  bodies: BodyReader;
  accepting: () => boolean;
}

const MAX_REASON_LENGTH = 1024;
/** Until operators have names, there is one of them. */
const OPERATOR = 'admin';

/** For the administrator alone. */
export function erasureRoutes(server: FastifyInstance, { erasures, versions, bodies, accepting }: ErasureRoutes): void {
  server.post<{ Params: { id: string } }>('/ingest/events/:id/erase', async (request) => {
    if (!accepting()) {
      throw new Problem(503, 'shutting-down', 'this server is going down; send it again later', { retryAfter: 5 });
    }
    const { id } = request.params;
    const reason = text(await readMembers(request, bodies, ['reason']), 'reason', MAX_REASON_LENGTH);
    if (reason === undefined) throw badRequest('"reason" is missing: the log will say why, for everybody to see');
    // An id that is none is refused as on every other route, and one of several sources has a hint of its own.
    const found = await versions.find(id, {});
    if (found.kind === 'fused') throw notSalted(found.selected.row.stream);
    const erased = await erasures.erase(id, { by: OPERATOR, reason });
    switch (erased.kind) {
      case 'unavailable':
        throw new Problem(503, 'storage-unavailable', 'this may not have been stored; look, and say it again', {
          retryAfter: 1,
        });
      case 'not-found':
        throw notFound('there is no event with this id');
      case 'not-salted':
        throw notSalted(erased.stream);
      case 'erased': {
        const [word] = erased.entries;
        return {
          status: 'ok',
          eventId: id,
          erased: word && erasedBy(word),
          versions: found.versions.map((record) => ({ sourceId: record.entry.source, seq: seqOf(record) })),
          complete: erased.complete,
        };
      }
    }
  });
}

function notSalted(stream: string): Problem {
  return new Problem(
    409,
    'not-salted',
    `the stream "${stream}" is not salted, so its packets hold what its events say, for good; declare a new stream with "salted": true for what may have to be erased`,
  );
}
