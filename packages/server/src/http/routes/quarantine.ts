/** Quarantine: who is in it and why, and an operator's word that ends it. */
import type { FastifyInstance } from 'fastify';
import type { CursorCodec } from '../../live/cursor.ts';
import type { Hub } from '../../live/hub.ts';
import type { Order, QuarantineDesk, Said } from '../../operation/quarantine-desk.ts';
import { seqOf } from '../../read/events.ts';
import { type Quarantine, shown } from '../../read/quarantine.ts';
import type { ResolutionAction, ResolutionEntry } from '../../store/journal.ts';
import type { BodyReader } from '../body.ts';
import type { EventVersions } from '../event-versions.ts';
import { type Members, readMembers, text, wholeNumber } from '../json-body.ts';
import { badRequest, Problem } from '../problem.ts';
import { integer, queryOf } from '../query.ts';

export interface QuarantineRoutes {
  quarantine: Quarantine;
  desk: QuarantineDesk;
  versions: EventVersions;
  bodies: BodyReader;
  hub: Hub;
  codec: CursorCodec;
  accepting: () => boolean;
}

const MAX_LIMIT = 1000;
const MAX_REASON_LENGTH = 1024;
/** Prefixes and ids. */
const MAX_NAME_LENGTH = 256;
const RESOLVED = new Map([
  ['false', false],
  ['true', true],
  ['all', undefined],
]);
const ACTIONS: readonly ResolutionAction[] = ['release', 'discard'];
/** Until operators have names, there is one of them. */
const OPERATOR = 'admin';

export function quarantineReadRoutes(server: FastifyInstance, options: QuarantineRoutes): void {
  const { quarantine } = options;

  server.get('/ingest/quarantine', async (request) => {
    const query = queryOf(request, ['stream', 'sourceId', 'reason', 'resolved', 'cursor', 'limit']);
    const { resolved = 'false', cursor } = query;
    if (!RESOLVED.has(resolved)) throw badRequest(`"resolved" is one of ${[...RESOLVED.keys()].join(', ')}`);
    const limit = integer(query, 'limit', 50, 1, MAX_LIMIT);
    const wanted = { ...filterOf(query.stream, query.sourceId, query.reason), resolved: RESOLVED.get(resolved) };
    const { found, next } = quarantine.page(wanted, positionOf(cursor, options), limit);
    return { items: found.map((one) => quarantine.item(one)), nextCursor: cursorOf(next, options) };
  });
}

/** For the administrator alone. */
export function quarantineWriteRoutes(server: FastifyInstance, options: QuarantineRoutes): void {
  const { desk, versions, bodies, accepting } = options;

  server.addHook('onRequest', async () => {
    if (accepting()) return;
    throw new Problem(503, 'shutting-down', 'this server is going down; send it again later', { retryAfter: 5 });
  });

  for (const action of ACTIONS) {
    server.post<{ Params: { id: string } }>(`/ingest/events/:id/${action}`, async (request) => {
      const members = await readMembers(request, bodies, ['reason', 'seq']);
      const order = orderOf(action, members);
      const seq = wholeNumber(members, 'seq', 1, Number.MAX_SAFE_INTEGER);
      const found = await versions.find(request.params.id, seq === undefined ? {} : { seq: String(seq) });
      if (found.kind === 'fused') throw notQuarantined('what was decided among sources is not in quarantine; they are');
      const entry = taken(await desk.say(found.selected, order));
      const { selected } = found;
      return { status: 'ok', eventId: request.params.id, seq: seqOf(selected), action, position: entry.first };
    });

    server.post(`/ingest/quarantine/${action}`, async (request) => {
      const members = await readMembers(request, bodies, [
        ...['stream', 'sourceId', 'reasonPrefix', 'reason', 'limit', 'cursor'],
      ]);
      const order = orderOf(action, members);
      const name = (member: string) => text(members, member, MAX_NAME_LENGTH);
      const filter = filterOf(name('stream'), name('sourceId'), name('reasonPrefix'));
      const limit = wholeNumber(members, 'limit', 1, MAX_LIMIT) ?? MAX_LIMIT;
      const sweep = await desk.sweep(filter, order, positionOf(name('cursor'), options), limit);
      if (sweep === undefined) throw unavailable();
      const { resolved, stillQuarantined, next } = sweep;
      return { status: 'ok', action, resolved, stillQuarantined, nextCursor: cursorOf(next, options) };
    });
  }
}

function orderOf(action: ResolutionAction, members: Members): Order {
  const reason = text(members, 'reason', MAX_REASON_LENGTH);
  if (reason === undefined) throw badRequest(`"reason" is missing: whoever asks later will want to know why`);
  return { action, by: OPERATOR, reason };
}

function filterOf(stream: string | undefined, sourceId: string | undefined, reasonPrefix: string | undefined) {
  return {
    ...(stream === undefined ? {} : { stream }),
    ...(sourceId === undefined ? {} : { sourceId }),
    ...(reasonPrefix === undefined ? {} : { reasonPrefix }),
  };
}

/** @throws Problem unless the word has been taken */
function taken(said: Said): ResolutionEntry {
  switch (said.kind) {
    case 'taken':
      return said.entry;
    case 'resolved':
      throw new Problem(409, 'already-resolved', 'there is a word about this event already, and it stands', {
        extra: { resolution: shown(said.entry) },
      });
    case 'not-quarantined':
      throw notQuarantined(`the event is ${said.status}; "seq" names another of its versions`);
    case 'erased':
      throw notQuarantined('the event is erased: there is nothing to decide about any more');
    case 'still-quarantined':
      throw new Problem(
        422,
        'still-quarantined',
        'the policy now in force refuses the event too: try a corrected one with "tidemark policy check", put it into the configuration, and start the server again',
        { extra: { reasons: said.reasons } },
      );
    case 'unavailable':
      throw unavailable();
  }
}

function notQuarantined(hint: string): Problem {
  return new Problem(409, 'not-quarantined', hint);
}

function unavailable(): Problem {
  return new Problem(503, 'storage-unavailable', 'this may not have been stored; look, and say it again', {
    retryAfter: 1,
  });
}

function positionOf(cursor: string | undefined, { codec, hub }: QuarantineRoutes): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const found = codec.decode(cursor, hub.refresh());
  if (found === undefined) throw badRequest('"cursor" is not one that this server has given out');
  return found.journal;
}

function cursorOf(next: number | undefined, { codec }: QuarantineRoutes): string | null {
  return next === undefined ? null : codec.encode({ journal: next, ledger: 0 });
}
