/** Anchoring: what waits for others, how far versions are, what ARC reports, and what the certifier has left undone. */
import type { FastifyInstance } from 'fastify';
import { isCallbackToken } from '../../anchor/arc/callback-token.ts';
import { parseCallback } from '../../anchor/arc/status.ts';
import { CALLBACK_PATH } from '../../anchor/open.ts';
import type { AnchorStates } from '../../read/anchor-states.ts';
import type { LedgerReader } from '../../store/ledger.ts';
import type { Threads } from '../../threads/threads.ts';
import { bearer } from '../access.ts';
import type { BodyReader } from '../body.ts';
import { readMembers } from '../json-body.ts';
import { badRequest, notFound, Problem } from '../problem.ts';
import { integer, queryOf, required } from '../query.ts';

export interface AnchorRoutes {
  anchorStates: AnchorStates;
  ledger: LedgerReader;
  anchoring: Threads['anchoring'];
  bodies: BodyReader;
  /** What ARC's callbacks come with; undefined where ARC is not in use. */
  callbackToken: string | undefined;
}

const VERSION_ID = /^[0-9a-f]{64}$/;
const VERSION_ID_HINT = '64 lower-case hex digits';

/** Open to whoever has the token that ARC was given. */
export function anchorCallbackRoutes(
  server: FastifyInstance,
  { callbackToken, anchoring, bodies }: AnchorRoutes,
): void {
  if (callbackToken === undefined) return;
  server.post(CALLBACK_PATH, async (request, reply) => {
    const token = bearer(request);
    if (!isCallbackToken(callbackToken, token)) {
      throw new Problem(401, 'token-required', 'this is for ARC, which has been given a token');
    }
    const body = await bodies.with(request, true, async (bytes) => parsed(bytes));
    if (parseCallback(body) === undefined) throw badRequest('this is no report of ARC');
    anchoring.callback(body, token);
    return reply.code(202).send({ status: 'ok' });
  });
}

export function anchorReadRoutes(server: FastifyInstance, { anchorStates }: AnchorRoutes): void {
  server.get('/anchors', async (request) => {
    const query = queryOf(request, ['versionId']);
    const state = anchorStates.of(required(query, 'versionId', VERSION_ID, VERSION_ID_HINT));
    if (state === undefined) throw notFound('no packet or rollup of this server has this versionId');
    return state;
  });

  server.get('/anchors/offers', async (request) => {
    const query = queryOf(request, ['limit']);
    return { items: anchorStates.offers(integer(query, 'limit', 100, 1, 1000)) };
  });
}

/** For the administrator. */
export function certifierRoutes(server: FastifyInstance, { ledger, anchoring, bodies }: AnchorRoutes): void {
  const { certifierCalls } = ledger;

  server.get('/certifier/dead', async (request) => {
    const query = queryOf(request, ['cursor', 'limit']);
    const cursor = query.cursor === undefined ? undefined : required(query, 'cursor', VERSION_ID, VERSION_ID_HINT);
    const limit = integer(query, 'limit', 100, 1, 1000);
    const calls = certifierCalls.dead(cursor, limit);
    const items = calls.map(({ versionId, attempts, reason }) => ({ versionId, attempts, reason }));
    return { items, nextCursor: items.length < limit ? null : items.at(-1)?.versionId };
  });

  server.post('/certifier/retry', async (request, reply) => {
    const { versionId } = await readMembers(request, bodies, ['versionId']);
    if (typeof versionId !== 'string' || !VERSION_ID.test(versionId))
      throw badRequest(`"versionId" is ${VERSION_ID_HINT}`);
    if (certifierCalls.one(versionId)?.state !== 'dead') throw notFound('no call for this packet was given up');
    anchoring.retryCertifier(versionId);
    return reply.code(202).send({ status: 'ok' });
  });
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new Problem(400, 'body-malformed', 'the body is no JSON', { cause });
  }
}
