/** One thing changed at a time, in a copy: the event and the stage have to be named. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Difference, replay } from '../../src/replay/index.ts';
import { PacketFiles } from '../../src/store/packets.ts';
import { Copy } from '../fsck/made.ts';
import { Directories } from '../support/directories.ts';
import { makeStaged, stagedEntries } from './made.ts';

export const entries = stagedEntries();

export interface Expected extends Partial<Pick<Difference, 'kind' | 'leaf'>> {
  stage: Difference['stage'];
  what: RegExp;
  /** Of the event. */
  about?: [source: string, seq: number] | undefined;
}

export type Row = [name: string, stream: string, damage: (copy: Copy) => Expected];

/** The event as the journal has it. */
export function eventAt([source, seq]: [string, number]): Difference['event'] {
  for (const entry of entries) {
    if (entry.kind !== 'events' || entry.source !== source) continue;
    const index = seq - entry.seq;
    if (index < 0 || index >= entry.events.count) continue;
    return { source, seq, eventId: entry.events.eventId(index), position: entry.first + index };
  }
  throw new RangeError(`no event ${seq} of ${source}`);
}

export interface Stored {
  start: number;
  end: number;
  path: string;
  lines: string[];
}

export function packetsOf(copy: Copy, stream: string): Stored[] {
  const rows = copy.rows('ledger.db', 'SELECT * FROM packets WHERE stream = ? ORDER BY "end"', stream);
  return rows.map((row) => {
    const path = new PacketFiles(copy.dir).path(String(row.content_hash));
    return { start: Number(row.start), end: Number(row.end), path, lines: readFileSync(path, 'utf8').split('\n') };
  });
}

export type Leaf = Record<string, unknown> & { inputs?: [string, number][] };
export const leafOf = (line: string) => (JSON.parse(line) as { leaf: Leaf }).leaf;
export const aboutOf = ({ source, seq, inputs }: Leaf): [string, number] =>
  inputs === undefined ? [String(source), Number(seq)] : [inputs[0]![0], inputs[0]![1]];

/** The first line of a kind, in the last packet of the stream if asked for. */
export function find(copy: Copy, stream: string, kind: string, where: 'any' | 'last' = 'any') {
  const packets = where === 'last' ? packetsOf(copy, stream).slice(-1) : packetsOf(copy, stream).slice(1);
  for (const packet of packets) {
    const place = packet.lines.findIndex((line) => line !== '' && leafOf(line).kind === kind);
    if (place === -1) continue;
    const line = packet.lines[place]!;
    return { packet, place, line, leaf: packet.start + place, about: aboutOf(leafOf(line)) };
  }
  throw new RangeError(`no leaf of kind ${kind} in ${stream}`);
}

export function replaced(text: string, from: string | RegExp, to: string): string {
  const changed = text.replace(from, to);
  if (changed === text) throw new RangeError(`${from} is not in ${text}`);
  return changed;
}

/** Changes a line of a stored content file. */

/**
 * To be called once a test file.
 * @returns checks a table: each change alone, in a copy of one ledger
 */
export function differenceTables(): { table(rows: readonly Row[]): void; directories: Directories; original: string } {
  const directories = new Directories();
  const original = directories.next();
  afterAll(() => directories.remove());
  beforeAll(() => makeStaged(original, entries));
  const table = (rows: readonly Row[]) => {
    const cases = rows.map(([name, stream, damage]) => ({ name, stream, damage }));
    test.each(cases)('$name', async ({ stream, damage }) => {
      const copy = new Copy(original, directories);
      await expectDifference(copy, stream, damage(copy));
    });
  };
  return { table, directories, original };
}

async function expectDifference(copy: Copy, stream: string, { about, what, ...expected }: Expected): Promise<void> {
  const { equal, streams } = await replay(copy.dir);
  expect(equal).toBe(false);
  expect(streams.flatMap((each) => (each.difference === undefined ? [] : each.stream))).toEqual([stream]);
  const difference = streams.find((each) => each.stream === stream)?.difference;
  expect(difference).toMatchObject({ kind: 'differs', ...expected, what: expect.stringMatching(what) });
  expect(difference?.event).toEqual(about && eventAt(about));
  if (expected.leaf === undefined) return;
  expect(difference?.packet?.start).toBeLessThanOrEqual(expected.leaf);
  expect(difference?.packet?.end).toBeGreaterThan(expected.leaf);
}
