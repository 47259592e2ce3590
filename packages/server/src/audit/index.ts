/** Follows the logs of a server as a stranger would: nothing is believed that can be recomputed. */
import type { LogServer } from './fetch-bounded.ts';
import { AuditError } from './findings.ts';
import { auditLog, type LogReport, type Pins } from './log-audit.ts';
import type { AuditState } from './state.ts';
import { listLogs, TiledLog } from './tiled-log.ts';

export interface AuditOptions {
  /** Without any: all that the server lists, and all that were seen before. */
  streams: readonly string[];
  pins: Pins;
  before: AuditState;
}

export interface AuditReport {
  clean: boolean;
  logs: LogReport[];
  /** What to remember; undefined unless all is well. */
  state: AuditState | undefined;
}

export async function audit(server: LogServer, { streams, pins, before }: AuditOptions): Promise<AuditReport> {
  const logs: LogReport[] = [];
  for (const stream of streams.length > 0 ? new Set(streams) : await everyStream(server, before, logs)) {
    logs.push(await auditLog(new TiledLog(server, stream), stream, pins, before.get(stream)));
  }
  const clean = logs.every((log) => log.clean);
  if (!clean) return { clean, logs, state: undefined };
  const seen = logs.flatMap((log) => (log.seen === undefined ? [] : [[log.stream, log.seen] as const]));
  return { clean, logs, state: new Map([...before, ...seen]) };
}

/** A log that was there and is listed no more is asked for all the same: it is missed. */
async function everyStream(server: LogServer, before: AuditState, logs: LogReport[]): Promise<Set<string>> {
  try {
    return new Set([...(await listLogs(server)), ...before.keys()]);
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    logs.push({ stream: '*', clean: false, read: 0, findings: [error.finding], findingCount: 1, notes: [] });
    return new Set(before.keys());
  }
}
