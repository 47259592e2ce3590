/** A real server with a log to audit, and copies of it that cheat. */
import { afterEach, beforeAll, expect } from 'vitest';
import { type AuditReport, audit } from '../../src/audit/index.ts';
import type { AuditState } from '../../src/audit/state.ts';
import { type Json, post } from '../http/client.ts';
import { AT_ONCE, type Running, settled, useServer } from '../http/server.ts';
import { AlteredLog } from './altered-log.ts';

export const NOTHING: AuditState = new Map();

export interface Audited {
  server: Running;
  /** Sends the events numbered `[from, to)`, and waits until they are sealed. */
  send(sourceId: string, from: number, to: number): Promise<void>;
  /** A faithful copy of the log `meter`, until the test ends. */
  copy(): Promise<AlteredLog>;
  /** What is remembered of the real log. */
  seenNow(): Promise<AuditState>;
}

/** The log `meter` has 300 records and one event in quarantine, `other` three records. */
export function useAudited(): Audited {
  const server = useServer({
    sources: [{ id: 'meter', policy: { constraints: { bounds: { n: { max: 1e6 } } } } }, { id: 'other' }],
    streams: [
      { id: 'meter', publish: { ...AT_ONCE, maxEvents: 100 } },
      { id: 'other', publish: AT_ONCE },
    ],
  });
  let altered: AlteredLog | undefined;
  const send = async (sourceId: string, from: number, to: number) => {
    const events = Array.from({ length: to - from }, (_, place) => ({ id: `e${from + place}`, n: from + place }));
    const { body } = await post(server.url, { sourceId, events });
    await settled(server.url, body.inserted.at(-1));
  };
  const copy = async () => {
    altered = await AlteredLog.of(server.url, 'meter', server.dataDir);
    return altered;
  };
  const seenNow = async () => {
    const { state } = await auditOf(server.url);
    expect(state).toBeDefined();
    return state!;
  };
  beforeAll(async () => {
    await send('meter', 0, 300);
    const { body } = await post(server.url, { sourceId: 'meter', events: [{ id: 'bad', n: 1e7 }] });
    expect((await settled(server.url, body.inserted[0])).status).toBe('quarantined');
    await send('other', 0, 3);
  });
  afterEach(() => altered?.close());
  return { server, send, copy, seenNow };
}

export function auditOf(
  url: string | URL,
  before = NOTHING,
  pins: object = {},
  streams = ['meter'],
): Promise<AuditReport> {
  const server = { url: new URL('/', url), token: undefined };
  return audit(server, { streams, pins: { logKeys: [], ...pins }, before });
}

export function reasons({ logs }: AuditReport): string[] {
  return logs.flatMap(({ findings }) => findings.map(({ reason }) => reason));
}

export function details({ logs }: AuditReport): string[] {
  return logs.flatMap(({ findings }) => findings.map(({ detail }) => detail));
}

/** Records that go on with the source's count. */
export function nextLeaves(log: AlteredLog, count: number): Json[] {
  const model = log.leaves.find(({ kind }) => kind === 'record');
  const last = Math.max(...log.leaves.map(({ seq }) => seq ?? 0));
  if (log.through !== undefined) log.through = { meter: last + count };
  return Array.from({ length: count }, (_, place) => ({ ...model, seq: last + 1 + place }));
}

/** A fused record with one input. */
export function fused(log: AlteredLog, seq: number): Json {
  const { v, stream, eventId, eventTime, rawHash, policyHash, payloadHash } = log.leaves[1];
  const inputs = [['meter', seq, rawHash, policyHash]];
  return { v, kind: 'fused', stream, eventId, eventTime, inputs, policyHash, decision: 'ef'.repeat(32), payloadHash };
}
