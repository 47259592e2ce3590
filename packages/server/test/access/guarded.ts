/** A listening server with one guarded route, which answers who called and what was sent. */
import Fastify, { type FastifyInstance } from 'fastify';
import { Brc104 } from '../../src/access/brc104.ts';
import { IdentityError } from '../../src/access/errors.ts';
import { Guard } from '../../src/access/guard.ts';
import { type AcceptedForm, IdentityCheck } from '../../src/access/identity.ts';
import { PeerKey } from '../../src/access/peer-key.ts';
import { SqliteNonces } from '../../src/access/sqlite-nonces.ts';
import { BodyReader } from '../../src/http/body.ts';
import { Problem } from '../../src/http/problem.ts';
import { Directories } from '../support/directories.ts';
import { openAccess } from '../support/open-access.ts';

export const ADMIN_TOKEN = 'b'.repeat(64);
/** Milliseconds since 1970 on the server's clock. */
export const NOW = 1_767_225_600_000;

export interface Guarded {
  url: string;
  /** As when the disk is gone. */
  loseNonces(): Promise<void>;
  close(): Promise<void>;
}

export interface GuardedOptions {
  accept?: readonly AcceptedForm[];
  required?: boolean;
  publicUrl?: string;
  /** Turns mutual authentication on, with this secret as the server's. */
  peerSecret?: Uint8Array;
  maxSessions?: number;
  now?: () => number;
}

/** A Fastify that leaves bodies to the routes and answers refusals as the service does. */
export function bareServer(): FastifyInstance {
  const server = Fastify();
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  server.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof IdentityError || error instanceof Problem)) throw error;
    return reply.code(error.status).send({ error: error.code, hint: error.hint });
  });
  return server;
}

export async function guarded(options: GuardedOptions = {}): Promise<Guarded> {
  const { accept = ['2'], required = true, publicUrl, peerSecret, maxSessions, now = () => NOW } = options;
  const directories = new Directories();
  const nonces = new SqliteNonces(directories.next());
  const identity = new IdentityCheck({ accept, nonces, now, publicUrl });
  const access = openAccess(ADMIN_TOKEN);
  const mutual =
    peerSecret && new Brc104({ key: new PeerKey(peerSecret), nonces, now, ...(maxSessions && { maxSessions }) });
  const guard = new Guard({ identity, mutual, access, required });
  const server = bareServer();
  const bodies = new BodyReader({ bodyBytes: 1 << 20, inFlightBytes: 1 << 22 });
  mutual?.install(server, bodies);
  for (const method of ['GET', 'POST']) {
    server.route({
      ...{ method, url: '/submit' },
      handler: (request) =>
        bodies.with(request, true, async (body) => {
          const caller = await guard.requireIdentity(request, body);
          return { caller, body: body.toString('utf8') };
        }),
    });
  }
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  let lost = false;
  const loseNonces = async () => {
    lost = true;
    await nonces.close();
  };
  const close = async () => {
    await server.close();
    if (!lost) await nonces.close();
    directories.remove();
  };
  return { url, loseNonces, close };
}
