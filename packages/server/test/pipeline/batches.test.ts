import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type BatchMark, batchMark } from '../../src/batch-mark.ts';
import { fsck } from '../../src/fsck/index.ts';
import { replay } from '../../src/replay/index.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import { SqliteJournal } from '../../src/store/sqlite/journal.ts';
import { Directories } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { packetsOf } from '../support/ledger.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const ZERO = Date.parse('2026-03-01T12:00:00Z');
const HALL = streamConfig('hall', { a: { required: ['v'] } }, 3);
const OTHER = streamConfig('other', { b: {} }, 3);

/** One that takes in events, and batches, on the stream `hall`. */
class Hall {
  readonly dir = directories.next();
  readonly works = new Works(this.dir);
  readonly #writer = new Writer();
  #ids = 0;
  #at = ZERO;

  constructor() {
    this.append(this.#writer.config(HALL, ZERO), this.#writer.config(OTHER, ZERO));
  }

  append(...entries: JournalEntry[]): void {
    this.works.journal.append(entries);
  }

  sends(count: number, stream = 'hall', valid = true): void {
    const raws = Array.from({ length: count }, () => {
      const id = `${this.#ids++}`;
      return { id, text: JSON.stringify(valid ? { id, v: 1 } : { id }) };
    });
    this.append(this.#writer.events(stream, stream === 'hall' ? 'a' : 'b', raws, this.#tick()));
  }

  cut(): void {
    this.append(this.#writer.cut('hall', this.#tick()));
  }

  configure(description: string): void {
    this.append(this.#writer.config({ ...HALL, description }, this.#tick()));
  }

  opens(batch: string): void {
    this.append(this.#writer.batch('hall', batch, 'open', this.#tick()));
  }

  ends(batch: string): void {
    this.append(this.#writer.batch('hall', batch, 'end', this.#tick()));
  }

  async runs(): Promise<void> {
    expect(await this.works.run()).toBe(true);
    expect(await this.works.rollUp()).toBe(true);
  }

  /** What the certificate of a batch says; undefined where there is none. */
  certificate(batch: string): object | undefined {
    const rollup = this.works.ledger.rollups.ofBatch(batch);
    if (rollup?.versionId === undefined) return undefined;
    const row = this.works.ledger.rollups.one(rollup.versionId)!;
    const content = JSON.parse(readFileSync(this.works.files.path(row.contentHash), 'utf8'));
    const { parents } = JSON.parse(row.manifest).lineage as { parents: string[] };
    const covered = packetsOf(this.works, 'hall').filter(({ versionId }) => parents.includes(versionId));
    expect([covered[0]?.start, covered.at(-1)?.end, parents.length]).toEqual([row.start, row.end, covered.length]);
    expect(content.batch).toBe(batch);
    const { leaves, records, quarantined, packets } = content;
    return { leaves: [leaves.start, leaves.end], records, quarantined, packets };
  }

  async verify(): Promise<void> {
    const { violations } = fsck(this.dir);
    expect(violations).toEqual([]);
    const report = await replay(this.dir);
    expect(report.streams.flatMap(({ difference }) => difference ?? [])).toEqual([]);
  }

  close(): void {
    this.works.close();
  }

  #tick(): number {
    this.#at += 10;
    return this.#at;
  }
}

describe('the certificate of a batch', () => {
  test('is a rollup over packets that hold the batch and nothing else', async () => {
    const hall = new Hall();
    hall.sends(2);
    hall.opens('one');
    hall.sends(4);
    hall.sends(2, 'other');
    hall.sends(1, 'hall', false);
    hall.ends('one');
    hall.sends(2);
    await hall.runs();
    // The header and two events come before it; a packet has three leaves at the most.
    expect(hall.certificate('one')).toEqual({ leaves: [3, 8], records: 4, quarantined: 1, packets: 2 });
    await hall.verify();
    hall.close();
  });

  test('is not there before the batch ends, and not where it brought nothing', async () => {
    const hall = new Hall();
    hall.opens('one');
    hall.sends(4);
    await hall.runs();
    expect(hall.works.ledger.rollups.ofBatch('one')).toBeUndefined();
    expect(hall.works.ledger.stream('hall')?.batch).toMatchObject({ tag: 'one', start: 0 });
    hall.ends('one');
    hall.opens('none');
    hall.ends('none');
    await hall.runs();
    expect(hall.certificate('one')).toMatchObject({ leaves: [0, 5], records: 4 });
    expect(hall.works.ledger.rollups.ofBatch('none')).toBeUndefined();
    expect(hall.works.ledger.stream('hall')?.batch).toBeUndefined();
    await hall.verify();
    hall.close();
  });

  test('goes on over a change of the configuration', async () => {
    const hall = new Hall();
    hall.opens('one');
    hall.sends(1);
    hall.configure('another hall');
    hall.sends(1);
    hall.ends('one');
    await hall.runs();
    // The change has a leaf of its own.
    expect(hall.certificate('one')).toEqual({ leaves: [0, 4], records: 2, quarantined: 0, packets: 3 });
    await hall.verify();
    hall.close();
  });
});

const STEPS = fc.constantFrom('events', 'few', 'others', 'cut', 'mark', 'configure', 'run', 'restart', 'fail', 'lose');

test('whatever comes between, and wherever it is cut short, each batch has its own leaves, once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEPS, { maxLength: 30 }), async (steps) => {
      const hall = new Hall();
      const brought = new Map<string, number>();
      let open: string | undefined;
      let batches = 0;
      const sends = (count: number) => {
        hall.sends(count);
        if (open !== undefined) brought.set(open, brought.get(open)! + count);
      };
      for (const step of steps) {
        if (step === 'events') sends(7);
        else if (step === 'few') sends(1);
        else if (step === 'others') hall.sends(4, 'other');
        else if (step === 'cut') hall.cut();
        else if (step === 'configure') hall.configure(`${Math.random()}`);
        else if (step === 'run') await hall.works.run();
        else if (step === 'restart') hall.works.restart();
        else if (step === 'fail') await hall.works.run('failed');
        else if (step === 'lose') await hall.works.run('failed but persisted');
        else if (open === undefined) {
          open = `batch-${batches++}`;
          brought.set(open, 0);
          hall.opens(open);
        } else {
          hall.ends(open);
          open = undefined;
        }
      }
      if (open !== undefined) hall.ends(open);
      await hall.runs();
      for (const [batch, records] of brought) {
        const certificate = hall.certificate(batch) as { records: number } | undefined;
        expect(certificate?.records ?? 0).toBe(records);
      }
      await hall.verify();
      hall.close();
    }),
    { numRuns: 60 },
  );
});

describe('a mark', () => {
  const mark = (batch: string, action: BatchMark['action'], stream = 'hall') => ({ batch, stream, action });

  function takes(...marks: BatchMark[]): object[] {
    const journal = new SqliteJournal(directories.next());
    const kinds = marks.map((one) => {
      const { marked, fresh } = batchMark(journal, one, ZERO);
      if (fresh.length > 0) journal.append(fresh);
      const { marks: _, ...rest } = { marks: undefined, ...marked };
      return { ...rest, fresh: fresh.length };
    });
    journal.close();
    return kinds;
  }

  test('once more changes nothing', () => {
    const twice = takes(mark('one', 'open'), mark('one', 'open'), mark('one', 'end'), mark('one', 'end'));
    expect(twice.map((said) => (said as { fresh: number }).fresh)).toEqual([1, 0, 1, 0]);
    expect(twice).toMatchObject(Array.from({ length: 4 }, () => ({ kind: 'marked' })));
  });

  test.each([
    ['a second batch on the stream', [mark('one', 'open'), mark('two', 'open')], { kind: 'other-open', batch: 'one' }],
    ['one that has ended', [mark('one', 'open'), mark('one', 'end'), mark('one', 'open')], { kind: 'ended' }],
    ['the end of one that never began', [mark('one', 'end')], { kind: 'not-found' }],
    ['another stream', [mark('one', 'open'), mark('one', 'end', 'attic')], { kind: 'elsewhere', stream: 'hall' }],
  ])('is refused: %s', (_, marks, refusal) => {
    expect(takes(...marks).at(-1)).toEqual({ ...refusal, fresh: 0 });
  });

  test('another stream has a batch of its own, and the next may begin when one has ended', () => {
    const marks = [mark('one', 'open'), mark('two', 'open', 'attic'), mark('one', 'end'), mark('three', 'open')];
    expect(takes(...marks)).toMatchObject(Array.from({ length: 4 }, () => ({ kind: 'marked', fresh: 1 })));
  });
});
