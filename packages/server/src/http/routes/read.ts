/** Single events and their traces. */
import type { FastifyInstance } from 'fastify';
import { candidateItem } from '../../read/decisions.ts';
import { type EventReader, type EventRecord, seqOf } from '../../read/events.ts';
import { type Evidence, fusedEvidence, fusedTrace } from '../../read/evidence.ts';
import type { FusedVersion } from '../../read/fused.ts';
import { fusedItem } from '../../read/item.ts';
import type { Quarantine, Resolution } from '../../read/quarantine.ts';
import type { Reconstruction } from '../../read/reconstruction.ts';
import type { EventVersions, Found } from '../event-versions.ts';
import { queryOf } from '../query.ts';

export interface ReadRoutes {
  events: EventReader;
  reconstruction: Reconstruction;
  quarantine: Quarantine;
  evidence: Evidence;
  versions: EventVersions;
}

export function readRoutes(server: FastifyInstance, options: ReadRoutes): void {
  const { reconstruction, evidence, versions } = options;

  server.get<{ Params: { id: string } }>('/ingest/events/:id', async (request) => {
    const found = await versions.find(request.params.id, queryOf(request, ['seq']));
    return found.kind === 'fused' ? fusedAnswer(found) : eventAnswer(found, options);
  });

  server.get<{ Params: { id: string } }>('/ingest/events/:id/trace', async (request) => {
    const found = await versions.find(request.params.id, queryOf(request, []));
    const traces =
      found.kind === 'fused'
        ? found.versions.map(fusedTrace)
        : found.versions.map((record) => evidence.trace(record, reconstruction.of(record)));
    return { eventId: request.params.id, versions: traces };
  });
}

function eventAnswer(
  { versions, selected }: Found & { kind: 'event' },
  { events, reconstruction, evidence, quarantine }: ReadRoutes,
): object {
  const rebuilt = reconstruction.of(selected);
  const resolution = quarantine.resolution(selected.position);
  const { normalized, ...item } = events.item(selected);
  return {
    ...item,
    raw: rebuilt.raw,
    normalized: normalized ?? rebuilt.normalized?.payload ?? null,
    evidence: evidence.of(selected, rebuilt),
    lastError: lastErrorOf(selected, resolution),
    ...(resolution === undefined ? {} : { resolution }),
    ...(versions.length > 1 ? { versions: versions.map(versionOf) } : {}),
  };
}

/** Why it is not certified: an operator's reason first, then those for which it was in quarantine. */
function lastErrorOf({ certified }: EventRecord, resolution: Resolution | undefined): string | null {
  if (certified?.reasons === undefined) return null;
  const given = resolution?.action === 'discard' ? [`discarded: ${resolution.reason}`] : [];
  const reasons = [...given, ...certified.reasons];
  // Those of an event that is erased are gone with it.
  return reasons.length === 0 ? null : reasons.join('; ');
}

function versionOf(record: EventRecord): object {
  const { entry, place, certified } = record;
  const versionId = certified?.packet.versionId ?? null;
  return { sourceId: entry.source, seq: seqOf(record), rawHash: entry.events.rawHash(place), versionId };
}

/** A fused record is created when it is first decided, and updated when a late event corrects it. */
function fusedAnswer({ versions, selected }: Found & { kind: 'fused' }): object {
  const { row, audit, packet, line } = selected;
  const item = fusedItem(packet, line, row);
  const sealedFirst = versions[0]?.packet.sealedAt ?? packet.sealedAt;
  return {
    ...item,
    createdAt: Math.floor(sealedFirst / 1000),
    raw: null,
    candidates: audit.candidates.map(candidateItem),
    evidence: fusedEvidence(selected),
    lastError: item.status === 'quarantined' ? `no-quorum:${row.decision}` : null,
    ...(versions.length > 1 ? { versions: versions.map(fusedVersionOf) } : {}),
  };
}

function fusedVersionOf({ row, audit, packet, line }: FusedVersion): object {
  const { decision, leaf } = row;
  const contentHash = line.leaf.kind === 'fused' ? line.leaf.payloadHash : null;
  const { supersedes = null } = audit;
  return { decision, supersedes, contentHash, versionId: packet.versionId, leafIndex: leaf };
}
