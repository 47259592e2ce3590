/** `POST /event-publish`: the publish handler, which knows nothing of this server. */
import type { IncomingMessage } from 'node:http';
import { ReadableStream } from 'node:stream/web';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface EventPublishRoutes {
  eventPublish: (request: Request) => Promise<Response>;
}

/** The second is where Supabase has its Edge Functions. */
const PATHS = ['/event-publish', '/functions/v1/event-publish'];

export function eventPublishRoutes(server: FastifyInstance, { eventPublish }: EventPublishRoutes): void {
  for (const url of PATHS) {
    server.route({
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url,
      handler: async (request, reply) => {
        const response = await eventPublish(toRequest(request));
        // What was not read is let go, so that the connection can be used again.
        request.raw.resume();
        return send(reply, response);
      },
    });
  }
}

function toRequest({ method, url, headers, raw }: FastifyRequest): Request {
  const given = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) given.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const bodiless = method === 'GET' || method === 'HEAD';
  const body = bodiless ? {} : { body: streamOf(raw), duplex: 'half' as const };
  return new Request(new URL(url, 'http://localhost'), { method, headers: given, ...body });
}

/** Without an end of its own: whoever stops reading early must not take the connection down before it is answered. */
function streamOf(raw: IncomingMessage): ReadableStream<Uint8Array> {
  const pieces = raw.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
}

async function send(reply: FastifyReply, response: Response): Promise<FastifyReply> {
  reply.code(response.status);
  for (const [name, value] of response.headers) reply.header(name, value);
  return reply.send(await response.text());
}
