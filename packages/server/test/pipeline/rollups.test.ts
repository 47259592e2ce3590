import { readFileSync, rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { JournalEntry } from '../../src/store/journal.ts';
import type { OrderPolicy, StreamConfig } from '../../src/stream.ts';
import { Directories } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { packetsOf } from '../support/ledger.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';
import { verifyRollups } from '../support/rollups.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const ZERO = Date.parse('2026-03-01T12:00:00Z');
const ORDER: OrderPolicy = { bufferMs: 0, idleMs: 1_000_000, futureMs: 1_000_000, late: 'correct' };

/** Windows of a second, rolled up by three; a packet has at most three leaves. */
function configOf(changes: Partial<StreamConfig> = {}): StreamConfig {
  const config = streamConfig('hall', { a: { map: { v: 'v' }, required: ['v'] } }, 3);
  const rollup = { windowMs: 3000, fields: ['v'], quantiles: [0.5] };
  return { ...config, publish: { ...config.publish, windowMs: 1000 }, order: ORDER, rollup, ...changes };
}

class Hall {
  readonly works = new Works(directories.next(), undefined, { snapshotItems: 1 });
  readonly configs: StreamConfig[] = [];
  readonly #writer = new Writer();
  #ids = 0;

  constructor(config: StreamConfig) {
    this.configure(config);
  }

  configure(config: StreamConfig): void {
    this.configs.push(config);
    this.#append(this.#writer.config(config, ZERO));
  }

  /** Events at these times, in milliseconds, with the time as value. */
  sends(...times: number[]): void {
    const raws = times.map((time) => {
      const id = `${this.#ids++}`;
      return { id, text: JSON.stringify({ id, ts: new Date(ZERO + time).toISOString(), v: time }) };
    });
    this.#append(this.#writer.events('hall', 'a', raws, ZERO));
  }

  /** The same event id once more. */
  revises(id: number, seq: number, time: number, v: number | undefined): void {
    const text = JSON.stringify({ id: `${id}`, ts: new Date(ZERO + time).toISOString(), v });
    this.#append(this.#writer.events('hall', 'a', [{ id: `${id}`, text, supersedes: seq }], ZERO));
    this.#ids++;
  }

  /** In seconds, oldest first, with the number of packets and what was aggregated. */
  async rollups(): Promise<object[]> {
    await this.works.run();
    await this.works.rollUp();
    verifyRollups(this.works, 'hall', this.configs);
    const rows = this.works.ledger.rollups.before('hall', undefined, 1000).reverse();
    return rows.map(({ window, contentHash }) => {
      const content = JSON.parse(readFileSync(this.works.files.path(contentHash), 'utf8'));
      const { packets, records, revisions, fields } = content;
      const bounds = [(window.start - ZERO) / 1000, (window.end - ZERO) / 1000];
      return { bounds, packets, records, revisions, max: fields.v?.max };
    });
  }

  #append(entry: JournalEntry): void {
    // A stage's state is saved when the journal has grown by much more than what it holds.
    const others = Array.from({ length: 200 }, () => this.#writer.cut('another', ZERO));
    this.works.journal.append([entry, ...others]);
  }
}

describe('which packets are rolled up together', () => {
  test('those of its windows, once the watermark has passed its end', async () => {
    const hall = new Hall(configOf());
    hall.sends(100, 200, 300, 400, 1100, 2100);
    expect(await hall.rollups()).toEqual([]);
    hall.sends(2999);
    expect(await hall.rollups()).toEqual([]);
    hall.sends(3000);
    // Three leaves a packet, the header being the first: [0,1) makes two, [1,2) and [2,3) one each.
    expect(await hall.rollups()).toEqual([{ bounds: [0, 3], packets: 4, records: 7, revisions: 0, max: 2999 }]);
  });

  test('where a stream skips ahead, the rollups between do not exist', async () => {
    const hall = new Hall(configOf());
    hall.sends(100, 20_000, 20_100, 50_000);
    expect(await hall.rollups()).toEqual([
      { bounds: [0, 3], packets: 1, records: 1, revisions: 0, max: 100 },
      { bounds: [18, 21], packets: 1, records: 2, revisions: 0, max: 20_100 },
    ]);
  });

  test('corrections belong to the rollup that is open, or else to the next', async () => {
    const hall = new Hall(configOf());
    hall.sends(100, 2100);
    hall.sends(500);
    hall.sends(3100);
    expect(await hall.rollups()).toEqual([{ bounds: [0, 3], packets: 3, records: 3, revisions: 0, max: 2100 }]);
    hall.sends(700, 4000);
    hall.sends(6000);
    // Between two rollups.
    hall.sends(800);
    hall.sends(9000);
    expect(await hall.rollups()).toEqual([
      { bounds: [0, 3], packets: 3, records: 3, revisions: 0, max: 2100 },
      { bounds: [3, 6], packets: 3, records: 3, revisions: 0, max: 4000 },
      { bounds: [6, 9], packets: 2, records: 2, revisions: 0, max: 6000 },
    ]);
  });

  test('what comes late into the next packet, and a revision of what has been rolled up', async () => {
    const hall = new Hall(configOf({ order: { ...ORDER, late: 'next' } }));
    hall.sends(100, 3000);
    hall.revises(0, 1, 200, 77);
    hall.sends(6000);
    expect(await hall.rollups()).toEqual([
      { bounds: [0, 3], packets: 1, records: 1, revisions: 0, max: 100 },
      { bounds: [3, 6], packets: 2, records: 2, revisions: 1, max: 3000 },
    ]);
  });
});

describe('a restart', () => {
  const order = { ...ORDER, bufferMs: 500, late: 'next' as const };
  const sent = [[100, 150, 3200], [3550], [1500], [4000], [6200], [9900]];
  const expected = [
    { bounds: [0, 3], packets: 1, records: 2, revisions: 0, max: 150 },
    { bounds: [3, 6], packets: 3, records: 4, revisions: 0, max: 4000 },
    { bounds: [6, 9], packets: 1, records: 1, revisions: 0, max: 6200 },
  ];

  test.each([
    ['none', 0],
    ['one after each delivery', 1],
  ])('changes nothing, wherever it comes: %s', async (_, restarts) => {
    const hall = new Hall(configOf({ order }));
    for (const times of [[], ...sent]) {
      if (times.length > 0) hall.sends(...times);
      await hall.works.run();
      if (restarts === 1) hall.works.restart();
    }
    expect(await hall.rollups()).toEqual(expected);
  });
});

describe('when the configuration changes', () => {
  test('other fields count from the open rollup on', async () => {
    const hall = new Hall(configOf());
    hall.sends(100, 1100);
    hall.configure(configOf({ rollup: { windowMs: 3000, fields: [], quantiles: [0.5] } }));
    hall.sends(3100);
    expect(await hall.rollups()).toEqual([{ bounds: [0, 3], packets: 3, records: 2, revisions: 0, max: undefined }]);
  });

  test('another length closes the open rollup; what is left of its time goes into the next', async () => {
    const hall = new Hall(configOf());
    hall.sends(100, 1100);
    hall.configure(configOf({ rollup: { windowMs: 2000, fields: ['v'], quantiles: [0.5] } }));
    hall.sends(2100, 4100, 6100);
    expect(await hall.rollups()).toEqual([
      { bounds: [0, 3], packets: 2, records: 2, revisions: 0, max: 1100 },
      { bounds: [4, 6], packets: 3, records: 2, revisions: 0, max: 4100 },
    ]);
  });

  test('packets that were sealed while there was none are in none', async () => {
    const { rollup: _, ...without } = configOf();
    const hall = new Hall(without);
    hall.sends(100, 1100, 2100);
    hall.configure(configOf());
    hall.sends(3100, 6100);
    expect(await hall.rollups()).toEqual([{ bounds: [3, 6], packets: 1, records: 1, revisions: 0, max: 3100 }]);
    const { start } = hall.works.ledger.rollups.before('hall', undefined, 1)[0]!;
    // The header, three records, and the leaf that says that there are to be rollups.
    expect(start).toBe(5);
    hall.configure(without);
    hall.sends(9100, 12_100);
    expect(await hall.rollups()).toHaveLength(2);
  });
});

describe('making them', () => {
  async function due(): Promise<Hall> {
    const hall = new Hall(configOf());
    hall.sends(100, 3000, 6000);
    await hall.works.run();
    expect(hall.works.ledger.rollups.due(10)).toHaveLength(2);
    return hall;
  }

  test('is left for the next start where the process stops', async () => {
    const { works } = await due();
    works.stop();
    await works.rollUp();
    expect(works.ledger.rollups.due(10)).toHaveLength(2);
    works.restart();
    await works.rollUp();
    expect(works.ledger.rollups.due(10)).toEqual([]);
    expect(works.ledger.rollups.before('hall', undefined, 10)).toHaveLength(2);
  });

  test('is done once, where the answer of a commit was lost', async () => {
    const { works } = await due();
    expect(await works.rollUp('failed but persisted')).toBe(false);
    expect(works.ledger.rollups.due(10)).toHaveLength(1);
    await works.rollUp();
    expect(works.ledger.rollups.before('hall', undefined, 10)).toHaveLength(2);
  });

  test('fails where a packet is missing, and the rollup stays due', async () => {
    const { works } = await due();
    rmSync(works.files.path(packetsOf(works, 'hall')[0]!.contentHash));
    await expect(works.rollUp()).rejects.toThrow(expect.objectContaining({ name: 'StoreError', code: 'damaged' }));
    expect(works.ledger.rollups.due(10)).toHaveLength(2);
  });
});
