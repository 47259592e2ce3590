/** Health and metrics. Open to whoever can reach the server: they name no event. */
import type { FastifyInstance } from 'fastify';
import type { Health } from '../../operation/health.ts';
import type { Metrics } from '../../operation/metrics.ts';

export interface OperationRoutes {
  health: Health;
  metrics: Metrics;
}

export function operationRoutes(server: FastifyInstance, { health, metrics }: OperationRoutes): void {
  server.get('/health/live', async () => ({ status: 'ok' }));

  for (const path of ['/health', '/health/ready']) {
    server.get(path, async (_request, reply) => {
      const report = health.report();
      return reply.code(report.status === 'ok' ? 200 : 503).send(report);
    });
  }

  server.get('/metrics', async (_request, reply) => {
    reply.header('content-type', metrics.contentType);
    return metrics.text();
  });

  server.addHook('onResponse', async (request, reply) => {
    metrics.answered(request.routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime / 1000);
  });
}
