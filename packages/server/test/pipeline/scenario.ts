/** Scenarios: what sources send and when, and the log that comes of it, line by line. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { ConfigChange } from '../../src/event.ts';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import { type Audit, parseAudit } from '../../src/read/audit.ts';
import { itemsOf, type JournalEntry } from '../../src/store/journal.ts';
import type { PacketRow } from '../../src/store/ledger.ts';
import type { OrderPolicy, StreamConfig } from '../../src/stream.ts';
import { type Raw, Writer } from '../support/journal.ts';
import { everything, packetsOf, verifyStream } from '../support/ledger.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';

export const STREAM = 'hall';
/** A stage's state is only saved when the journal has grown by four times what it holds. */
const MORE = 150;
/** Events from which on every proof of every leaf would take too long. */
const MANY = 1000;
/** The clock's zero: when the configuration is journaled. */
const ZERO = Date.parse('2026-03-01T12:00:00Z');

export interface Setup {
  /** By default a, b and c; each with `POLICY`. */
  sources?: Record<string, MappingPolicy>;
  order?: Partial<OrderPolicy>;
  fusion?: FusionPolicy;
  trust?: Record<string, number>;
  windowMs?: number;
  /** Events that are held at most. */
  maxHeld?: number;
}

export interface Scenario {
  name: string;
  /** In words, as the documentation has it. */
  outcome: string;
  setup: Setup;
  happens: Happening[];
  /** One line a leaf, after one for each packet; for what is too long for that, a check of its own. */
  log: string[] | ((log: string[]) => void);
  /** Events that are not in the log at the end; 0 by default. */
  held?: number;
}

export const POLICY: MappingPolicy = { map: { room: { const: 'hall' }, v: 'v' }, required: ['v'] };
/** Buckets of ten seconds. */
export const BUCKETS = { key: ['room'], bucketMs: 10_000 };
const ORDER: OrderPolicy = { bufferMs: 1000, idleMs: 5000, futureMs: 60_000, late: 'correct' };

/** What an event says: its time in seconds from zero, undefined for one without; more members as they are. */
export type Reading = [t: number | undefined, v: unknown, more?: object];
export type Happening = (scene: Scene) => JournalEntry;

/** A source sends events, at so many seconds from zero. Ids count up, unless the events bring their own. */
export const sends =
  (at: number, source: string, ...readings: Reading[]): Happening =>
  (scene) =>
    scene.writer.events(STREAM, source, scene.raws(source, readings), ZERO + at * 1000);

/** The same reading from several sources at once, in as many deliveries. */
export const each = (at: number, values: Record<string, Reading>): Happening[] =>
  Object.entries(values).map(([source, reading]) => sends(at, source, reading));

/** A source that sends every second from 1 to `until`, its clock so many seconds off. */
export const steadily = (source: string, until: number, off = 0, v: unknown = 1) =>
  Array.from({ length: until }, (_, index) => sends(index + 1, source, [index + 1 + off, v]));

/** In the order in which they come, source by source within a second. */
export const together = (...feeds: Happening[][]) =>
  Array.from({ length: Math.max(...feeds.map((feed) => feed.length)) }, (_, index) =>
    feeds.flatMap((feed) => feed[index] ?? []),
  ).flat();

/** The journal's clock strikes. */
export const ticks =
  (at: number): Happening =>
  ({ writer }) =>
    writer.cut(STREAM, ZERO + at * 1000);

export const configures =
  (at: number, setup: Setup): Happening =>
  ({ writer }) =>
    writer.config(configOf(setup), ZERO + at * 1000);

export class Scene {
  readonly writer = new Writer();
  readonly #counts = new Map<string, number>();
  /** Seqs of versions by source and id. */
  readonly #versions = new Map<string, number>();

  /** What happens, and much that is none of the stream's concern. */
  step(happening: Happening): JournalEntry[] {
    const entry = happening(this);
    return [entry, ...Array.from({ length: MORE }, () => this.writer.cut('another', entry.at))];
  }

  get events(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  raws(source: string, readings: readonly Reading[]): Raw[] {
    return readings.map(([t, v, more = {}]) => {
      const seq = (this.#counts.get(source) ?? 0) + 1;
      this.#counts.set(source, seq);
      const event: { id: string; [member: string]: unknown } = {
        id: `${source}-${seq}`,
        ...(t === undefined ? {} : { ts: time(t) }),
        v,
        ...more,
      };
      const name = `${source} ${event.id}`;
      const supersedes = this.#versions.get(name);
      this.#versions.set(name, seq);
      const raw = { id: event.id, text: JSON.stringify(event) };
      return supersedes === undefined ? raw : { ...raw, supersedes };
    });
  }
}

function time(seconds: number): string {
  return new Date(ZERO + seconds * 1000).toISOString();
}

function configOf({ sources, order, fusion, trust, windowMs }: Setup): StreamConfig {
  const config = streamConfig(STREAM, sources ?? { a: POLICY, b: POLICY, c: POLICY });
  const ordered = fusion !== undefined || windowMs !== undefined;
  return {
    ...config,
    publish: { ...config.publish, ...(windowMs === undefined ? {} : { windowMs }) },
    ...(ordered ? { order: { ...ORDER, ...order } } : {}),
    ...(fusion === undefined ? {} : { fusion }),
    ...(trust === undefined ? {} : { trust }),
  };
}

/**
 * Plays a scenario twice, once in a single run and once with a restart after every happening, and checks that the
 * ledger is the same, that a stranger can verify it, and that no event is lost.
 */
export async function play(scenario: Scenario, dirs: { next(): string }): Promise<string[]> {
  const { setup, happens, held = 0 } = scenario;
  const scene = new Scene();
  const steps = [configures(0, setup), ...happens].map((happening) => scene.step(happening));
  const entries = steps.flat();
  const options = setup.maxHeld === undefined ? {} : { limits: { events: setup.maxHeld, bytes: 1e9 } };
  const calm = new Works(dirs.next(), undefined, options);
  calm.journal.append(entries);
  await calm.run();
  const restarted = new Works(dirs.next(), undefined, { ...options, snapshotItems: 1 });
  for (const step of steps) {
    restarted.journal.append(step);
    await restarted.run();
    restarted.restart();
  }
  try {
    const versions = (works: Works) => packetsOf(works, STREAM).map(({ versionId }) => versionId);
    expect(versions(restarted)).toEqual(versions(calm));
    if (scene.events < MANY) {
      expect({ ...everything(restarted), cursor: 0 }).toEqual({ ...everything(calm), cursor: 0 });
      verifyStream(calm, STREAM);
    }
    expect(missing(calm, entries)).toHaveLength(held);
    return logOf(calm);
  } finally {
    calm.close();
    restarted.close();
  }
}

/** Positions of events that are in no sealed packet. */
function missing({ ledger }: Works, entries: readonly JournalEntry[]): number[] {
  return entries.flatMap((entry) => {
    if (entry.kind !== 'events') return [];
    const positions = Array.from({ length: itemsOf(entry) }, (_, index) => entry.first + index);
    return positions.filter((position) => ledger.placement(position) === undefined);
  });
}

interface Line {
  leaf: {
    kind: string;
    source: string;
    seq: number;
    eventTime: string;
    inputs: [string, number][];
    decision: string;
    action: string;
    data: ConfigChange;
  };
  payload?: object;
}

/**
 * - a packet: `--`, `-- [0s, 10s)` or `-- [0s, 10s) corrected`
 * - a record: `a1 {payload}` and what was noticed
 * - quarantined: `a1 quarantined: reasons`
 * - fused: `0s a1 b1 = {payload}, quorum a1`, then `conflict` and `corrects #1` where it is so; `#1` is the first decision
 */
function logOf(works: Works): string[] {
  const names = new Map<string, string>();
  return packetsOf(works, STREAM).flatMap((packet) => [
    packetText(packet),
    ...readFileSync(works.files.path(packet.contentHash), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line, index) => leafText(works, JSON.parse(line) as Line, packet.start + index, names))
      .filter((text) => text !== 'header'),
  ]);
}

function packetText({ manifest }: PacketRow): string {
  const { content } = JSON.parse(manifest) as {
    content: { window?: { start: string; end: string; correction?: true } };
  };
  if (content.window === undefined) return '--';
  const { start, end, correction } = content.window;
  return `-- [${seconds(start)}, ${seconds(end)})${correction === undefined ? '' : ' corrected'}`;
}

function leafText(works: Works, { leaf, payload }: Line, index: number, names: Map<string, string>): string {
  const { ledger } = works;
  const decision = ledger.decisionOfLeaf(STREAM, index);
  if (decision !== undefined) names.set(decision.decision, `#${names.size + 1}`);
  if (leaf.kind === 'header') return 'header';
  if (leaf.kind === 'control') return `${leaf.action}: ${leaf.data.changed.join(', ')}`;
  const words = JSON.stringify(payload);
  if (leaf.kind === 'fused') {
    const audit = parseAudit(decision!);
    const inputs = leaf.inputs.map(([source, seq]) => `${source}${seq}`).join(' ');
    return shortened(`${leaf.eventTime} ${inputs} = ${words}, ${decided(audit, decision!.conflict)}`, names);
  }
  const name = `${leaf.source}${leaf.seq}`;
  const position = ledger.positionOfLeaf(STREAM, index)!;
  if (leaf.kind === 'quarantined') {
    return shortened(`${name} quarantined: ${ledger.reasons(position)?.join(', ')}`, names);
  }
  const notes = ledger.notes(position) ?? [];
  return shortened([`${name} ${words}`, ...notes].join(' '), names);
}

function decided({ rule, winner, candidates, outcome, supersedes }: Audit, conflict: boolean): string {
  const weights = candidates.map(({ source, weight }) => `${source} ${weight.toFixed(2)}`);
  return [
    `${rule}${winner === null ? '' : ` ${winner[0]}${winner[1]}`}`,
    ...(rule === 'weighted' ? [`of ${weights.join(' ')}`] : []),
    ...(outcome === 'resolved' ? [] : [outcome]),
    ...(conflict ? ['conflict'] : []),
    ...(supersedes === undefined ? [] : [`corrects ${supersedes}`]),
  ].join(', ');
}

/** Of the line of a fused leaf. */
export function candidatesIn(line: string): string[] {
  return line.slice(0, line.indexOf(' = ')).split(' ').slice(1);
}

/** Times in seconds from zero, and decisions by their number. */
function shortened(text: string, names: ReadonlyMap<string, string>): string {
  return text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, seconds).replace(/[0-9a-f]{64}/g, (hash) => names.get(hash) ?? hash);
}

function seconds(text: string): string {
  return `${(Date.parse(text) - ZERO) / 1000}s`;
}
