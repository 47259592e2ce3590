/** Nobody works, or waits, for whoever has gone. */
import type { FastifyReply } from 'fastify';

/** Aborted when the connection closes before the answer is there. */
export function goneWith(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
