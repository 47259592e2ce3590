/** Proof files, bundles, readiness. */
import { hash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Version } from '../../catalog/versions.ts';
import type { Lineage } from '../../read/lineage.ts';
import type { ProofBuilder } from '../../read/proofs.ts';
import { leafOf } from '../event-versions.ts';
import { notFound, Problem } from '../problem.ts';
import { integer, queryOf, required } from '../query.ts';
import { answering, sendJson } from './catalog.ts';
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

  server.get('/bundle', async (request, reply) => {
    const query = queryOf(request, ['versionId', 'depth']);
    const version = versionOf(required(query, 'versionId', VERSION_ID, '64 lower-case hex digits'));
    const depth = integer(query, 'depth', bundleMaxDepth, 0, bundleMaxDepth);
    const bundle = answering(() => lineage.bundle(version, depth));
    const etag = `"${hash('sha256', bundle, 'hex').slice(0, 32)}"`;
    reply.header('etag', etag).header('cache-control', 'no-cache');
    return names(request.headers['if-none-match'], etag) ? reply.code(304).send() : sendJson(reply, bundle);
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

/** Whether If-None-Match names the tag (RFC 9110, section 13.1.2: weakly compared). */
function names(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => [etag, '*'].includes(tag.trim().replace(/^W\//, '')));
}
