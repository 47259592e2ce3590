/** The HTTP side: parse, call, reply. Each group of routes is in a file of its own. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from '@fastify/cors';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Brc104 } from '../access/brc104.ts';
import { IdentityError } from '../access/errors.ts';
import type { Guard } from '../access/guard.ts';
import type { Access } from './access.ts';
import type { BodyReader } from './body.ts';
import { otherMethods } from './methods.ts';
import { answerClientError, Problem, sendProblem } from './problem.ts';
import { type AdvisoryRoutes, advisoryReadRoutes, advisoryWriteRoutes } from './routes/advisories.ts';
import { type AnchorRoutes, anchorCallbackRoutes, anchorReadRoutes, certifierRoutes } from './routes/anchors.ts';
import {
  type BatchRoutes,
  batchGateRoutes,
  batchIntakeRoutes,
  batchMessageRoutes,
  batchReadRoutes,
} from './routes/batches.ts';
import { type CatalogRoutes, catalogReadRoutes, catalogWriteRoutes } from './routes/catalog.ts';
import { type ConflictRoutes, conflictRoutes } from './routes/conflicts.ts';
import { type ErasureRoutes, erasureRoutes } from './routes/erasure.ts';
import { type EventPublishRoutes, eventPublishRoutes } from './routes/event-publish.ts';
import { type FeedRoutes, feedRoutes } from './routes/feeds.ts';
import { type IngestRoutes, ingestRoutes } from './routes/ingest.ts';
import { type LogRoutes, logRoutes } from './routes/log.ts';
import { type OperationRoutes, operationRoutes } from './routes/operation.ts';
import { portalRoutes } from './routes/portal.ts';
import { type BundleRoutes, bundleRoutes, type ProofRoutes, proofRoutes } from './routes/proof.ts';
import { type QuarantineRoutes, quarantineReadRoutes, quarantineWriteRoutes } from './routes/quarantine.ts';
import { type ReadRoutes, readRoutes } from './routes/read.ts';
import { type RollupRoutes, rollupRoutes } from './routes/rollups.ts';
import { type SearchRoutes, searchRoutes } from './routes/search.ts';
import { type SubscriptionRoutes, subscriptionRoutes } from './routes/subscriptions.ts';
import { type WatchRoutes, watchRoutes } from './routes/watch.ts';

/** What pages of other sites may use and see, where they may at all. */
const CORS_METHODS = ['GET', 'POST', 'PATCH', 'DELETE'];
const EXPOSED = ['etag', 'retry-after', 'location'];

export interface HttpOptions
  extends IngestRoutes,
    FeedRoutes,
    ReadRoutes,
    ConflictRoutes,
    QuarantineRoutes,
    ProofRoutes,
    BundleRoutes,
    RollupRoutes,
    ErasureRoutes,
    SubscriptionRoutes,
    WatchRoutes,
    LogRoutes,
    AnchorRoutes,
    CatalogRoutes,
    AdvisoryRoutes,
    BatchRoutes,
    EventPublishRoutes,
    SearchRoutes,
    OperationRoutes {
  log: Logger;
  access: Access;
  /** Who calls, for what publishes or changes something. */
  guard: Guard;
  mutual: Brc104;
  bodies: BodyReader;
  corsOrigins: readonly string[];
}

/** A client gets this long to send a whole request. */
const REQUEST_TIMEOUT_MS = 60_000;

export function buildServer(options: HttpOptions): FastifyInstance {
  const server = Fastify({
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: 256, ignoreTrailingSlash: true },
    // Whoever waits for an answer gets it; connections that wait for nothing end at once.
    forceCloseConnections: 'idle',
    clientErrorHandler: answerClientError,
    // All else that asks for an upgrade, to HTTP/2 for one, is answered as it is.
    http: {
      shouldUpgradeCallback: (request) => /^\/watch(?:\?|$)/.test(request.url ?? '') && asksForWebSocket(request),
    },
    frameworkErrors: (error, request, reply) => sendProblem(request, reply, toProblem(error)),
  });
  // Bodies are for the routes that want them, as streams: they are decoded and bounded there.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  server.setErrorHandler((error: FastifyError | IdentityError | Problem, request, reply) => {
    const problem = toProblem(error);
    // 503 is an answer like any other, and counted like any other; whoever causes it must not fill the log.
    if (problem.status === 500) options.log.error({ err: error, url: pathOf(request) }, problem.code);
    return sendProblem(request, reply, problem);
  });
  server.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      new Problem(404, 'not-found', `there is nothing at ${request.method} ${pathOf(request)}`),
    ),
  );
  const { access } = options;
  server.addHook('onRequest', async (request) => access.checkHost(request));
  if (options.corsOrigins.length > 0) {
    server.register(cors, {
      origin: [...options.corsOrigins],
      methods: CORS_METHODS,
      exposedHeaders: EXPOSED,
      maxAge: 600,
    });
  }
  const refuseOtherMethods = otherMethods(server);
  options.mutual.install(server, options.bodies);
  ingestRoutes(server, options);
  batchIntakeRoutes(server, options);
  batchMessageRoutes(server, options);
  eventPublishRoutes(server, options);
  anchorCallbackRoutes(server, options);
  operationRoutes(server, options);
  portalRoutes(server);
  server.register(async (readers) => {
    readers.addHook('onRequest', async (request) => access.checkReader(request));
    readRoutes(readers, options);
    conflictRoutes(readers, options);
    quarantineReadRoutes(readers, options);
    bundleRoutes(readers, options);
    rollupRoutes(readers, options);
    batchReadRoutes(readers, options);
    anchorReadRoutes(readers, options);
    catalogReadRoutes(readers, options);
    advisoryReadRoutes(readers, options);
  });
  // Of single streams, which may be public: the routes themselves ask.
  server.register(async (followers) => {
    feedRoutes(followers, options);
    proofRoutes(followers, options);
    logRoutes(followers, options);
    searchRoutes(followers, options);
    await watchRoutes(followers, options);
  });
  server.register(async (operators) => {
    operators.addHook('onRequest', async (request) => access.checkAdmin(request));
    quarantineWriteRoutes(operators, options);
    certifierRoutes(operators, options);
    erasureRoutes(operators, options);
    batchGateRoutes(operators, options);
    subscriptionRoutes(operators, options);
  });
  // Whoever publishes has to say who he is, by a signature or the token: the routes themselves ask.
  catalogWriteRoutes(server, options);
  advisoryWriteRoutes(server, options);
  refuseOtherMethods();
  return server;
}

function toProblem(error: FastifyError | IdentityError | Problem): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof IdentityError) return new Problem(error.status, error.code, error.hint, { cause: error });
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) {
    const code = status === 415 ? 'unsupported-media-type' : 'bad-request';
    return new Problem(status, code, error.message, { cause: error });
  }
  return new Problem(500, 'internal-error', 'this is a defect of the server; it has been logged', { cause: error });
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}

/** Not behind another request on the same connection: its answer has the connection, and there is no handing it over. */
function asksForWebSocket({ headers, socket }: IncomingMessage): boolean {
  const { _httpMessage: answering } = socket as { _httpMessage?: ServerResponse | null };
  return headers.upgrade?.toLowerCase() === 'websocket' && (answering === undefined || answering === null);
}
