/** Proof files, bundles, readiness. */
import type { FastifyInstance } from 'fastify';
import type { Lineage } from '../../read/lineage.ts';
import type { ProofBuilder } from '../../read/proofs.ts';
import type { PacketRow } from '../../store/ledger.ts';
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
    const record = versions.select(await versions.all(request.params.id), query);
    if (record.certified === undefined) {
      throw new Problem(409, 'not-certified-yet', 'the event is stored and will be certified; ask again', {
        retryAfter: 1,
      });
    }
    return proofs.build(record.certified.line, record.certified.packet);
  });

  server.get('/bundle', async (request) => {
    const query = queryOf(request, ['versionId', 'depth']);
    const packet = packetOf(required(query, 'versionId', VERSION_ID, '64 lower-case hex digits'));
    return lineage.bundle(packet, integer(query, 'depth', bundleMaxDepth, 0, bundleMaxDepth));
  });

  server.get('/ready', async (request) => {
    const query = queryOf(request, ['versionId']);
    return lineage.readiness(packetOf(required(query, 'versionId', VERSION_ID, '64 lower-case hex digits')));
  });

  function packetOf(versionId: string): PacketRow {
    const packet = lineage.packet(versionId);
    if (packet === undefined) throw notFound('there is no packet with this versionId');
    return packet;
  }
}
