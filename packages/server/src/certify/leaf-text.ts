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
  const superseded = supersedes === undefined ? '' : `,"supersedes":["${source}",${supersedes}]`;
  const ending = `"rawHash":"${rawHash}","seq":${seq},"source":"${source}","stream":"${stream}"${superseded},"v":1}`;
  const opening = `{"eventId":"${eventId}","eventTime":"${eventTime}","kind":"${record.kind}",`;
  if (record.kind === 'record') {
    return `${opening}"payloadHash":"${record.payloadHash}","policyHash":"${policyHash}",${ending}`;
  }
  const reasonsHash = hash('sha256', canonicalize(record.reasons), 'hex');
  // "rawHash" sorts before "reasonsHash", and that before "seq".
  return `${opening}"policyHash":"${policyHash}",${ending.replace(',"seq":', `,"reasonsHash":"${reasonsHash}","seq":`)}`;
}
