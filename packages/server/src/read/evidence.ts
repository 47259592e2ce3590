/** The steps an event has taken, each with what shows it. */
import type { EventRecord } from './events.ts';
import type { Rebuilt } from './reconstruction.ts';

export function evidenceOf(record: EventRecord, rebuilt: Rebuilt): object[] {
  const { position, entry, place, certified } = record;
  const steps: object[] = [
    {
      step: 'received',
      at: time(entry.at),
      journalPosition: position,
      seq: entry.seq + place,
      rawHash: entry.events.rawHash(place),
      ...ifDefined('supersedes', entry.events.supersedes(place)),
    },
    { step: 'normalize', policyHash: rebuilt.policyHash, issues: rebuilt.issues },
  ];
  if (certified === undefined) return steps;
  const { packet, line, anchor } = certified;
  steps.push({
    step: 'certify',
    at: time(packet.sealedAt),
    versionId: packet.versionId,
    packet: { start: packet.start, end: packet.end },
    leafIndex: line.index,
  });
  if (anchor !== undefined) {
    const { chain, txid, vout, height, versionId } = anchor;
    steps.push({ step: 'anchor', chain, txid, vout, height, versionId });
  }
  return steps;
}

/** One version's whole path, with every id and hash. */
export function traceOf(record: EventRecord, rebuilt: Rebuilt): object {
  const { entry, certified } = record;
  return {
    sourceId: entry.source,
    stream: entry.stream,
    steps: evidenceOf(record, rebuilt),
    leaf: certified?.line.leaf ?? null,
    manifest: certified === undefined ? null : (JSON.parse(certified.packet.manifest) as unknown),
    checkpoint: certified?.packet.checkpoint ?? null,
  };
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function ifDefined(name: string, value: unknown): object {
  return value === undefined ? {} : { [name]: value };
}
