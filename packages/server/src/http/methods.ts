/** 405 for a path that is there and does not take the method. */
import type { FastifyInstance } from 'fastify';
import { Problem, sendProblem } from './problem.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Watches the routes as they are added, so it comes before them; the others follow when all of them are known. */
export function refuseOtherMethods(server: FastifyInstance): void {
  const allowed = new Map<string, Set<string>>();
  server.addHook('onRoute', ({ url, method }) => {
    const methods = allowed.get(url) ?? new Set();
    allowed.set(url, methods);
    for (const name of [method].flat()) methods.add(name);
  });
  server.addHook('onReady', async () => allowed.clear());
  server.register(async (last) => {
    for (const [url, methods] of [...allowed]) {
      const allow = [...methods].join(', ');
      last.route({
        url,
        method: METHODS.filter((name) => !methods.has(name)),
        handler: (request, reply) => {
          const problem = new Problem(
            405,
            'method-not-allowed',
            `${request.method} is not for this path; it takes ${allow}`,
          );
          return sendProblem(request, reply.header('allow', allow), problem);
        },
      });
    }
  });
}
