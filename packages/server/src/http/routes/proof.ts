/** Proof files, bundles, readiness. */
import type { FastifyInstance } from 'fastify';
import type { Version } from '../../catalog/versions.ts';
import type { Lineage } from '../../read/lineage.ts';
import type { ProofBuilder } from '../../read/proofs.ts';
import type { Access } from '../access.ts';
import { entityTag, namesTag } from '../entity-tag.ts';
import { type EventVersions, leafOf } from '../event-versions.ts';
import { notFound, Problem } from '../problem.ts';
import { integer, queryOf, required } from '../query.ts';
import { answering, sendJson } from './catalog.ts';

export interface ProofRoutes {
  versions: EventVersions;
  proofs: ProofBuilder;
  access: Access;
}

export interface BundleRoutes {
  lineage: Lineage;
  bundleMaxDepth: number;
}

const VERSION_ID = /^[0-9a-f]{64}$/;

export function proofRoutes(server: FastifyInstance, { versions, proofs, access }: ProofRoutes): void {
  server.get<{ Params: { id: string } }>('/ingest/events/:id/proof', async (request) => {
    const query = queryOf(request, ['seq', 'token']);
    const reader = access.readerOf(request);
    const found = await versions.find(request.params.id, query, (stream) => access.mayRead(reader, stream));
    const leaf = leafOf(found);
    if (leaf === undefined) {
      throw new Problem(409, 'not-certified-yet', 'the event is stored and will be certified; ask again', {
        retryAfter: 1,
      });
    }
    return proofs.build(leaf.line, leaf.packet);
  });
}

export function bundleRoutes(server: FastifyInstance, { lineage, bundleMaxDepth }: BundleRoutes): void {
  server.get('/bundle', async (request, reply) => {
    const query = queryOf(request, ['versionId', 'depth']);
    const version = versionOf(required(query, 'versionId', VERSION_ID, '64 lower-case hex digits'));
    const depth = integer(query, 'depth', bundleMaxDepth, 0, bundleMaxDepth);
    const bundle = answering(() => lineage.bundle(version, depth));
    const etag = entityTag(bundle);
    reply.header('etag', etag).header('cache-control', 'no-cache');
    return namesTag(request.headers['if-none-match'], etag) ? reply.code(304).send() : sendJson(reply, bundle);
  });

  server.get('/ready', async (request) => {
    const query = queryOf(request, ['versionId']);
    return lineage.readiness(versionOf(required(query, 'versionId', VERSION_ID, '64 lower-case hex digits')));
  });

  function versionOf(versionId: string): Version {
    const version = lineage.version(versionId);
    if (version === undefined) throw notFound('no packet, rollup or submitted manifest has this versionId');
    return version;
  }
}
