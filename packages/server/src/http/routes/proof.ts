/** Proof files, bundles, readiness. */
import type { FastifyInstance } from 'fastify';
import type { Lineage, Version } from '../../read/lineage.ts';
import type { ProofBuilder } from '../../read/proofs.ts';
import { leafOf } from '../event-versions.ts';
import { notFound, Problem } from '../problem.ts';
import { integer, queryOf, required } from '../query.ts';
import type { ReadRoutes } from './read.ts';

export interface ProofRoutes extends Pick<ReadRoutes, 'versions'> {
  proofs: ProofBuilder;
  lineage: Lineage;
  bundleMaxDepth: number;
}

const VERSION_ID = /^[0-9a-f]{64}$/;

export function proofRoutes(server: FastifyInstance, options: ProofRoutes): void {
  const { versions, proofs, lineage, bundleMaxDepth } = options;

  server.get<{ Params: { id: string } }>('/ingest/events/:id/proof', async (request) => {
    const query = queryOf(request, ['seq']);
    const leaf = leafOf(await versions.find(request.params.id, query));
    if (leaf === undefined) {
      throw new Problem(409, 'not-certified-yet', 'the event is stored and will be certified; ask again', {
        retryAfter: 1,
      });
    }
    return proofs.build(leaf.line, leaf.packet);
  });

  server.get('/bundle', async (request) => {
    const query = queryOf(request, ['versionId', 'depth']);
    const version = versionOf(required(query, 'versionId', VERSION_ID, '64 lower-case hex digits'));
    return lineage.bundle(version, integer(query, 'depth', bundleMaxDepth, 0, bundleMaxDepth));
  });

  server.get('/ready', async (request) => {
    const query = queryOf(request, ['versionId']);
    return lineage.readiness(versionOf(required(query, 'versionId', VERSION_ID, '64 lower-case hex digits')));
  });

  function versionOf(versionId: string): Version {
    const version = lineage.version(versionId);
    if (version === undefined) throw notFound('there is no packet or rollup with this versionId');
    return version;
  }
}
