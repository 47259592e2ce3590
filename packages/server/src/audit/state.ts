/** What an auditor remembers between two audits, as a file: without it, a log could be rewritten in between. */
import { existsSync, readFileSync } from 'node:fs';
import { Frontier, isHex, parseCheckpoint, parseVerifierKey, toHex } from '@tidemark/proof';
import { writeWholeFile } from '../whole-file.ts';
import type { SeenLog } from './log-audit.ts';

const FORMAT = 'tidemark-audit/1';

/** By stream. One file is for one server. */
export type AuditState = Map<string, SeenLog>;

export class AuditStateError extends Error {
  readonly code = 'state-malformed';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AuditStateError';
  }
}

/** Empty where there is no file yet. @throws AuditStateError for one that is no such state: starting over would forget */
export function readState(path: string): AuditState {
  if (!existsSync(path)) return new Map();
  try {
    const { format, logs } = JSON.parse(readFileSync(path, 'utf8')) as {
      format: string;
      logs: Record<string, SeenLog>;
    };
    if (format !== FORMAT) throw new TypeError(`its format is not ${FORMAT}`);
    const entries = Object.entries(logs);
    for (const [, seen] of entries) check(seen);
    return new Map(entries);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AuditStateError(`${path} is not the state of an audit: ${why}`, { cause });
  }
}

/** When this returns, it is on disk, in place of what was there. */
export function writeState(path: string, state: AuditState): void {
  writeWholeFile(path, `${JSON.stringify({ format: FORMAT, logs: Object.fromEntries(state) })}\n`, 0o600);
}

/** The file is the auditor's own; this is for one that was damaged or edited. */
function check({ origin, checkpoint, leaves }: SeenLog): void {
  const note = parseCheckpoint(checkpoint);
  const nodes = leaves.frontier.map((node) => Buffer.from(node, 'hex'));
  const root = toHex(new Frontier({ size: leaves.size, nodes }).root());
  for (const key of leaves.keys) parseVerifierKey(key);
  const whole = note.origin === origin && note.size === leaves.size && note.root === root && leaves.keys.length > 0;
  const publishers = leaves.publishers.length > 0 && leaves.publishers.every((key) => isHex(key, 33));
  if (!whole || !publishers) throw new TypeError('its parts do not belong together');
  for (const { seen, quarantined } of Object.values(leaves.sources)) {
    checkOrder(seen);
    checkOrder(quarantined);
  }
}

function checkOrder(pairs: readonly [number, number][]): void {
  let last = -1;
  for (const [start, end] of pairs) {
    const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
    if (!whole || start <= last + 1 || end < start) throw new TypeError('a list of intervals is not in order');
    last = end;
  }
}
