/**
 * RFC 8785 text of the leaves, written out by hand: the members are known, so their order is too, and none but ids
 * could need escaping. A test holds these against the canonicalizer of `@tidemark/proof`.
 */
import { hash } from 'node:crypto';
import { canonicalize } from '@tidemark/proof';
import type { LogRecord } from '../event.ts';

export function headerLeaf(stream: string, publisher: string, logKey: string): string {
  return canonicalize({ v: 1, kind: 'header', stream, publisher, logKey });
}

/** Source and stream ids are of `[a-z0-9._-]`, hashes hex, times digits: nothing here needs escaping. */
export function recordLeaf(stream: string, record: LogRecord): string {
  const { eventId, eventTime, rawHash, policyHash, seq, source, supersedes } = record;
  const opening = `{"eventId":"${eventId}","eventTime":"${eventTime}","kind":"${record.kind}",`;
  const hashes = `"policyHash":"${policyHash}","rawHash":"${rawHash}",`;
  const place = `"seq":${seq},"source":"${source}","stream":"${stream}"`;
  if (record.kind === 'record') {
    const superseded = supersedes === undefined ? '' : `,"supersedes":["${source}",${supersedes}]`;
    return `${opening}"payloadHash":"${record.payloadHash}",${hashes}${place}${superseded},"v":1}`;
  }
  // Only what is accepted takes the place of an earlier version, so a quarantined revision names none.
  const reasonsHash = hash('sha256', canonicalize(record.reasons), 'hex');
  return `${opening}${hashes}"reasonsHash":"${reasonsHash}",${place},"v":1}`;
}
