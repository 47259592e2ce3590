/** Outgoing webhooks: who gets what, how far it is, and what is to be done again. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DELIVERY_STATES, type DeliveryState } from '../../store/subscriptions.ts';
import { SubscriptionError, type SubscriptionErrorCode } from '../../subscriptions/errors.ts';
import type { SubscriptionService } from '../../subscriptions/service.ts';
import type { BodyReader } from '../body.ts';
import { readMembers, wholeNumber } from '../json-body.ts';
import { badRequest, notFound, Problem } from '../problem.ts';
import { integer, queryOf } from '../query.ts';
import { CHANGE_MEMBERS, CREATE_MEMBERS, changeIn, chosenIn, declaredIn, replayIn } from '../subscription-members.ts';

export interface SubscriptionRoutes {
  subscriptions: SubscriptionService;
  bodies: BodyReader;
  accepting: () => boolean;
}

type OfOne = { Params: { id: string } };

const MAX_LIMIT = 1000;
const DAY_MS = 86_400_000;
const MAX_OVERLAP_MS = 7 * DAY_MS;

/** For the administrator alone. */
export function subscriptionRoutes(server: FastifyInstance, options: SubscriptionRoutes): void {
  const { subscriptions, bodies, accepting } = options;
  const membersOf = (request: FastifyRequest, known: readonly string[]) => readMembers(request, bodies, known);

  server.addHook('onRequest', async () => {
    if (accepting()) return;
    throw new Problem(503, 'shutting-down', 'this server is going down; send it again later', { retryAfter: 5 });
  });

  server.post('/subscriptions', async (request, reply) => {
    const declared = declaredIn(await membersOf(request, CREATE_MEMBERS));
    const made = await answered(subscriptions.create(declared));
    return secret(reply).code(201).header('location', `/subscriptions/${made.id}`).send(made);
  });

  server.get('/subscriptions', async (request) => {
    queryOf(request, []);
    return { items: await answered(subscriptions.list()) };
  });

  server.get<OfOne>('/subscriptions/:id', ({ params }) => answered(subscriptions.show(params.id)));

  server.patch<OfOne>('/subscriptions/:id', async (request) => {
    const change = changeIn(await membersOf(request, CHANGE_MEMBERS));
    return answered(subscriptions.change(request.params.id, change));
  });

  server.delete<OfOne>('/subscriptions/:id', async ({ params }, reply) => {
    await answered(subscriptions.remove(params.id));
    return reply.code(204).send();
  });

  server.post<OfOne>('/subscriptions/:id/rotate', async (request, reply) => {
    const members = await membersOf(request, ['overlapMs']);
    const overlapMs = wholeNumber(members, 'overlapMs', 0, MAX_OVERLAP_MS) ?? DAY_MS;
    return secret(reply).send(await answered(subscriptions.rotate(request.params.id, overlapMs)));
  });

  server.get<OfOne>('/subscriptions/:id/deliveries', async (request) => {
    const query = queryOf(request, ['status', 'cursor', 'limit']);
    const limit = integer(query, 'limit', 50, 1, MAX_LIMIT);
    const page = { status: stateOf(query.status), after: query.cursor, limit };
    const { items, next } = await answered(subscriptions.deliveries(request.params.id, page));
    return { items, nextCursor: next };
  });

  server.post<OfOne>('/subscriptions/:id/replay', async (request) => {
    const order = replayIn(await membersOf(request, ['deliveries', 'dead', 'since']));
    return { status: 'ok', ...(await answered(subscriptions.replay(request.params.id, order))) };
  });

  server.post<OfOne>('/subscriptions/:id/discard', async (request) => {
    const which = chosenIn(await membersOf(request, ['deliveries', 'dead']));
    return { status: 'ok', ...(await answered(subscriptions.discard(request.params.id, which))) };
  });

  server.post<OfOne>('/subscriptions/:id/test', ({ params }) => answered(subscriptions.test(params.id)));
}

/** Shown once: nothing on the way is to keep it. */
function secret(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store');
}

function stateOf(status: string | undefined): DeliveryState | undefined {
  const state = DELIVERY_STATES.find((one) => one === status);
  if (status !== undefined && state === undefined) throw badRequest(`"status" is one of ${DELIVERY_STATES.join(', ')}`);
  return state;
}

const PROBLEMS: Record<SubscriptionErrorCode, (hint: string) => Problem> = {
  'not-found': notFound,
  'too-many': (hint) => new Problem(409, 'too-many-subscriptions', hint),
  'url-not-allowed': (hint) => new Problem(400, 'url-not-allowed', hint),
  'log-too-short': (hint) => new Problem(409, 'log-too-short', hint),
  'unknown-cursor': badRequest,
  unavailable: (hint) => new Problem(503, 'storage-unavailable', hint, { retryAfter: 1 }),
};

async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (cause instanceof SubscriptionError) throw PROBLEMS[cause.code](cause.message);
    throw cause;
  }
}
