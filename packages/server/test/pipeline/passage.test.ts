import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { packetLog, parseManifest } from '@tidemark/proof';
import { afterAll, describe, expect, test } from 'vitest';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import { Directories } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { configOf, packetsOf, raw, raws, verifyStream } from '../support/ledger.ts';
import { Works } from '../support/passage.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const sizes = (works: Works, stream: string) => packetsOf(works, stream).map(({ start, end }) => end - start);

describe('packets', () => {
  async function run(entries: JournalEntry[]): Promise<Works> {
    const works = new Works(directories.next());
    works.journal.append(entries);
    await works.run();
    return works;
  }

  test('are sealed at exactly as many leaves as they may have; the first also has the header', async () => {
    const writer = new Writer();
    const works = await run([
      writer.config(configOf('beta', 4, {}), 1),
      writer.events('beta', 'three', raws(2), 10),
      writer.events('beta', 'three', raws(9, 3), 11),
      writer.cut('beta', 20),
    ]);
    expect(sizes(works, 'beta')).toEqual([4, 4, 4]);
    expect(packetsOf(works, 'beta').map(({ sealedAt }) => sealedAt)).toEqual([11, 11, 11]);
    verifyStream(works, 'beta');
    works.close();
  });

  test('are sealed by a cut, at its time; a cut with nothing to seal makes none', async () => {
    const writer = new Writer();
    const works = await run([
      writer.config(configOf('beta', 100, {}), 1),
      writer.cut('beta', 5),
      writer.events('beta', 'three', raws(2), 10),
      writer.cut('beta', 20),
      writer.cut('beta', 30),
      writer.events('beta', 'three', raws(1, 3), 40),
      writer.cut('gamma', 50),
    ]);
    expect(packetsOf(works, 'beta')).toMatchObject([{ start: 0, end: 3, sealedAt: 20 }]);
    expect(works.ledger.cursor()).toBe(7);
    works.close();
  });

  test('a new configuration cuts, and holds for what comes after', async () => {
    const writer = new Writer();
    const [before, after] = [configOf('beta', 100, {}), configOf('beta', 2, { required: ['missing'] })];
    const works = await run([
      writer.config(before, 1),
      writer.events('beta', 'three', raws(3), 10),
      writer.config(after, 20),
      writer.events('beta', 'three', raws(3, 4), 30),
    ]);
    expect(packetsOf(works, 'beta')).toMatchObject([
      { start: 0, end: 4, sealedAt: 20 },
      // That it changes is the last that is sealed under the former one.
      { start: 4, end: 5, sealedAt: 20 },
      { start: 5, end: 7, sealedAt: 30 },
    ]);
    const hash = (policy: MappingPolicy) => createHash('sha256').update(JSON.stringify(policy)).digest('hex');
    expect(works.ledger.policy(hash({}))).toBe('{}');
    expect(works.ledger.policy(hash({ required: ['missing'] }))).toBe('{"required":["missing"]}');
    const configs = packetsOf(works, 'beta').map(
      ({ manifest }) => packetLog(parseManifest(JSON.parse(manifest)))?.config,
    );
    expect(new Set(configs).size).toBe(2);
    expect([2, 4, 5, 6, 7].map((position) => works.ledger.reasons(position))).toEqual([
      undefined,
      undefined,
      undefined,
      ['required-missing:missing'],
      ['required-missing:missing'],
    ]);
    works.close();
  });

  test('of several streams do not touch each other, and several sources share one', async () => {
    const writer = new Writer();
    const works = await run([
      writer.config(configOf('alpha', 100, {}), 1),
      writer.config(configOf('beta', 100, {}), 1),
      writer.events('alpha', 'one', raws(2), 10),
      writer.events('beta', 'three', raws(3), 11),
      writer.events('alpha', 'two', raws(1), 12),
      writer.cut('alpha', 20),
      writer.events('alpha', 'one', raws(1, 3), 21),
      writer.cut('beta', 30),
    ]);
    expect([sizes(works, 'alpha'), sizes(works, 'beta')]).toEqual([[4], [4]]);
    const through = (stream: string) =>
      packetLog(parseManifest(JSON.parse(packetsOf(works, stream)[0]!.manifest)))?.through;
    expect([through('alpha'), through('beta')]).toEqual([{ one: 2, two: 1 }, { three: 3 }]);
    expect(works.ledger.placement(8)).toEqual({ stream: 'alpha', leaf: 3 });
    expect(works.ledger.cursor()).toBe(10);
    verifyStream(works, 'alpha');
    verifyStream(works, 'beta');
    works.close();
  });

  test('take revisions, also such as are quarantined', async () => {
    const writer = new Writer();
    const works = await run([
      writer.config(configOf('beta', 100, { required: ['t'] }), 1),
      writer.events('beta', 'three', [raw(1, 5), { ...raw(1, 6), supersedes: 1 }, { ...raw(1), supersedes: 2 }], 10),
      writer.cut('beta', 20),
    ]);
    verifyStream(works, 'beta');
    const lines = readFileSync(works.files.path(packetsOf(works, 'beta')[0]!.contentHash), 'utf8')
      .trimEnd()
      .split('\n');
    const leaves = lines.map((line) => (JSON.parse(line) as { leaf: { kind: string; supersedes?: unknown } }).leaf);
    expect(leaves.map(({ kind, supersedes }) => [kind, supersedes])).toEqual([
      ['header', undefined],
      ['record', undefined],
      ['record', ['three', 1]],
      ['quarantined', undefined],
    ]);
    works.close();
  });
});

describe('the cursor', () => {
  test('moves past what changes nothing, and the readers are told', async () => {
    const works = new Works(directories.next());
    const writer = new Writer();
    works.journal.append([writer.config(configOf('beta', 2, {}), 1)]);
    await works.run();
    expect([works.ledger.cursor(), works.published.length]).toEqual([2, 1]);
    works.journal.append([writer.events('beta', 'three', raws(1), 10)]);
    await works.run();
    expect(works.ledger.cursor()).toBe(3);
    expect(works.published.at(-1)?.map(({ oldestArrival }) => oldestArrival)).toEqual([10]);
    works.journal.append([writer.cut('beta', 20)]);
    await works.run();
    expect([works.ledger.cursor(), works.published.length]).toEqual([4, 3]);
    works.close();
  });

  test('stays where the oldest event waits, without a commit for each that joins it', async () => {
    const works = new Works(directories.next());
    const writer = new Writer();
    works.journal.append([writer.config(configOf('beta', 100, {}), 1), writer.config(configOf('gamma', 2, {}), 1)]);
    await works.run();
    const { commits } = works.ledger;
    for (let round = 0; round < 5; round++) {
      works.journal.append([writer.events('beta', 'three', raws(1, round), 10)]);
      await works.run();
    }
    expect(works.ledger.commits).toBe(commits);
    works.journal.append([writer.events('gamma', 'four', raws(1), 10)]);
    await works.run();
    expect([works.ledger.commits, works.ledger.cursor()]).toEqual([commits + 1, 3]);
    works.close();
  });
});

test('a run that is told to stop settles after the bite under way; the next start goes on from there', async () => {
  const writer = new Writer();
  const bulky = (from: number) =>
    Array.from({ length: 3 }, (_, n) => ({
      id: `${from + n}`,
      text: `{"id":${from + n},"x":"${'x'.repeat(1 << 20)}"}`,
    }));
  const works = new Works(directories.next());
  works.journal.append([
    writer.config(configOf('beta', 100, {}), 1),
    writer.events('beta', 'three', bulky(1), 10),
    writer.cut('beta', 20),
    writer.events('beta', 'three', bulky(4), 30),
    writer.cut('beta', 40),
  ]);
  const running = works.run();
  works.stop();
  await running;
  expect(works.ledger.cursor()).toBeLessThan(works.journal.next);
  works.restart();
  await works.run();
  expect(works.ledger.cursor()).toBe(works.journal.next);
  expect(sizes(works, 'beta')).toEqual([4, 3]);
  verifyStream(works, 'beta');
  works.close();
});

test('events of a source that does not feed the stream are damage, not events without a policy', async () => {
  const writer = new Writer();
  const works = new Works(directories.next());
  works.journal.append([writer.config(configOf('beta', 100, {}), 1), writer.events('beta', 'stranger', raws(1), 10)]);
  await expect(works.run()).rejects.toThrow('which does not feed beta');
  works.close();
});
