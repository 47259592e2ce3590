/** Packets that are cut in event time: the bounds of their windows, and the order of what came in time. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Leaf, RecordLeaf } from '@tidemark/proof';
import type { Position } from '../event.ts';
import type { JournaledConfig } from './configs.ts';
import type { Findings } from './findings.ts';
import type { PacketManifest } from './packet.ts';

interface Window {
  start: number;
  end: number;
  correction: boolean;
}

export class WindowCheck {
  readonly #findings: Findings;
  readonly #notes: StatementSync;
  #window: Window | undefined;
  /** Leaves are in the order of event time; where sources are fused, that of decisions is another. */
  #sorts = false;
  #before: RecordLeaf | undefined;
  /** The last one that is no correction. */
  #last: Window | undefined;

  constructor(ledger: DatabaseSync, findings: Findings) {
    this.#findings = findings;
    this.#notes = ledger.prepare('SELECT 1 FROM notes WHERE position = ? AND leaf = ?');
  }

  /**
   * A packet begins.
   * @param isChange it says that the configuration changes, and is of no time
   */
  packet({ manifest }: PacketManifest, config: JournaledConfig, isChange: boolean, where: string): void {
    const windowMs = isChange ? undefined : config.config.publish.windowMs;
    const found = readWindow(manifest.content.window);
    const wrong = wrongWindow(found, windowMs, this.#last, manifest.provenance.createdAt);
    if (wrong !== undefined) this.#findings.violation('window-wrong', where, wrong);
    this.#window = typeof found === 'object' ? found : undefined;
    this.#sorts = config.config.fusion === undefined && this.#window?.correction === false;
    this.#before = undefined;
    if (this.#window?.correction === false) this.#last = this.#window;
  }

  /** @param position of the event, where it has this leaf as its own */
  leaf(leaf: Leaf, position: Position | undefined, index: number, where: string): void {
    if (!this.#sorts || leaf.kind !== 'record' || position === undefined) return;
    if (this.#notes.get(position, index) !== undefined) return;
    if (this.#window !== undefined && Date.parse(leaf.eventTime) >= this.#window.end) {
      this.#findings.violation('window-wrong', where, `${leaf.eventTime} is not in the window of its packet`);
    }
    if (this.#before !== undefined && !precedes(this.#before, leaf)) {
      this.#findings.violation('order-wrong', where, 'it belongs before the leaf before, by event time');
    }
    this.#before = leaf;
  }
}

function wrongWindow(
  found: Window | 'malformed' | undefined,
  windowMs: number | undefined,
  last: Window | undefined,
  createdAt: string,
): string | undefined {
  if (windowMs === undefined) return found === undefined ? undefined : 'it is not cut in event time';
  if (found === undefined || found === 'malformed') return `its manifest has ${found ?? 'no'} bounds of a window`;
  const { start, end, correction } = found;
  // After a change of their length, windows go on from where the last one ended: the first one is shorter.
  const rest = end - start < windowMs && (start === last?.end || start === last?.start);
  const whole = end - start === windowMs || rest;
  if (!correction && (end % windowMs !== 0 || !whole)) return `no window of ${windowMs} ms is from ${start} to ${end}`;
  return Date.parse(createdAt) === end ? undefined : 'it was not created at the end of its window';
}

function readWindow(value: unknown): Window | 'malformed' | undefined {
  if (value === undefined) return undefined;
  const { start, end, correction = false } = Object(value) as Record<string, unknown>;
  const window = { start: Date.parse(String(start)), end: Date.parse(String(end)), correction: correction === true };
  const right = typeof correction === 'boolean' && Number.isFinite(window.start) && Number.isFinite(window.end);
  return right ? window : 'malformed';
}

/** The order of leaves in streams that sort: event time, source, event id, seq. */
function precedes(a: RecordLeaf, b: RecordLeaf): boolean {
  if (a.eventTime !== b.eventTime) return a.eventTime < b.eventTime;
  if (a.source !== b.source) return a.source < b.source;
  return a.eventId === b.eventId ? a.seq < b.seq : a.eventId < b.eventId;
}
