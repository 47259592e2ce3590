/** 405 for a path that is there and does not take the method. */
import type { FastifyInstance } from 'fastify';
import { Problem, sendProblem } from './problem.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * To be called before the routes are added, to see them.
 * @returns to be called after them
 */
export function otherMethods(server: FastifyInstance): () => void {
  const allowed = new Map<string, Set<string>>();
  server.addHook('onRoute', ({ url, method }) => {
    const methods = allowed.get(url) ?? new Set();
    allowed.set(url, methods);
    for (const name of [method].flat()) methods.add(name);
  });
  return () => {
    server.register(async (last) => {
      for (const [url, methods] of [...allowed]) refuse(last, url, [...methods]);
    });
  };
}

function refuse(server: FastifyInstance, url: string, taken: readonly string[]): void {
  const allow = taken.join(', ');
  server.route({
    url,
    method: METHODS.filter((name) => !taken.includes(name)),
    handler: (request, reply) => {
      const hint = `${request.method} is not for this path; it takes ${allow}`;
      return sendProblem(request, reply.header('allow', allow), new Problem(405, 'method-not-allowed', hint));
    },
  });
}
