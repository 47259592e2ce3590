/**
 * RFC 8785 text of the leaves, written out by hand: the members are known, so their order is too, and none but ids
 * could need escaping. A test holds these against the canonicalizer of `@tidemark/proof`.
 */
import { canonicalize, controlText } from '@tidemark/proof';
import type { ControlRecord, FusedRecord, LogRecord } from '../event.ts';
import { saltedHash } from '../salt.ts';

export function headerLeaf(stream: string, publisher: string, logKey: string): string {
  return canonicalize({ v: 1, kind: 'header', stream, publisher, logKey });
}

/** Source and stream ids are of `[a-z0-9._-]`, hashes hex, times digits: nothing here needs escaping. */
export function recordLeaf(stream: string, record: Exclude<LogRecord, ControlRecord>): string {
  if (record.kind === 'fused') return fusedLeaf(stream, record);
  const { eventId, eventTime, rawHash, policyHash, seq, source, supersedes } = record;
  const opening = `{"eventId":"${eventId}","eventTime":"${eventTime}","kind":"${record.kind}",`;
  const hashes = `"policyHash":"${policyHash}","rawHash":"${rawHash}",`;
  const place = `"seq":${seq},"source":"${source}","stream":"${stream}"`;
  if (record.kind === 'record') {
    // What is let out of quarantine takes the place of its own leaf there.
    const before = record.released === undefined ? supersedes : seq;
    const superseded = before === undefined ? '' : `,"supersedes":["${source}",${before}]`;
    return `${opening}"payloadHash":"${record.payloadHash}",${hashes}${place}${superseded},"v":1}`;
  }
  // Only what is accepted takes the place of an earlier version, so a quarantined revision names none.
  const reasonsHash = record.reasonsHash ?? saltedHash(record.salt, canonicalize(record.reasons));
  return `${opening}${hashes}"reasonsHash":"${reasonsHash}",${place},"v":1}`;
}

function fusedLeaf(stream: string, record: FusedRecord): string {
  const { eventId, eventTime, policyHash, decision, payloadHash, supersedes } = record;
  const inputs = record.inputs.map(({ source, seq, rawHash, policyHash }) => [source, seq, rawHash, policyHash]);
  const members = { v: 1, kind: 'fused', stream, eventId, eventTime, inputs, policyHash, decision, payloadHash };
  return canonicalize(supersedes === undefined ? members : { ...members, supersedes });
}

/** @param sign makes the base64 signature of a text */
export function controlLeaf(stream: string, { action, data }: ControlRecord, sign: (text: string) => string): string {
  const unsigned = { v: 1, kind: 'control', stream, action, data } as const;
  return canonicalize({ ...unsigned, signature: sign(controlText(unsigned)) });
}
