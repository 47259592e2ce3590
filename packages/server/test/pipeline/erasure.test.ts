/** Whatever is sent, revised and erased, and wherever it is cut short: what is erased is gone, and all else is there. */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { eraseForGood } from '../../src/erasure.ts';
import { fsck } from '../../src/fsck/index.ts';
import { IntakeError } from '../../src/intake/errors.ts';
import type { Draft } from '../../src/intake/intake.ts';
import { openStreamKeys } from '../../src/keys.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import { replay } from '../../src/replay/index.ts';
import type { ErasureLedger } from '../../src/store/ledger.ts';
import { SqliteErasureLedger } from '../../src/store/sqlite/erasure-ledger.ts';
import { Desk, type Fault, lines } from '../support/arrivals.ts';
import { Directories, filesWith } from '../support/directories.ts';
import { Writer } from '../support/journal.ts';
import { everyLine, verifyStream } from '../support/ledger.ts';
import { sourceOf, streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';
import { openReaders } from '../support/readers.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const POLICY = { constraints: { bounds: { v: { max: 7 } } } };
const SOURCES = [
  sourceOf('one', { stream: 'safe', policy: POLICY }),
  sourceOf('two', { stream: 'safe', policy: POLICY }),
  sourceOf('three', { stream: 'plain', policy: POLICY }),
];
const WORD = { by: 'admin', reason: 'asked for' };

/** A version that was sent. */
interface Version {
  source: string;
  id: number;
  /** Text that stands in it alone. */
  mark: string;
  eventId: string;
  erased: boolean;
}

type Sent = { source: 'one' | 'two' | 'three'; events: { id: number; v: number; again: boolean }[] };
type Step =
  | ({ kind: 'send' } & Sent)
  | { kind: 'erase'; source: Sent['source']; id: number; fault: Fault | undefined }
  | { kind: 'discard'; newest: boolean }
  | { kind: 'certify'; fault: Fault | undefined }
  /** Everything, or all up to the moment where the machine stops. */
  | { kind: 'finish'; upTo: 'overwritten' | 'trimmed' | 'done' }
  | { kind: 'restart' };

class World {
  readonly dir = directories.next();
  readonly versions: Version[] = [];
  readonly #keys = openStreamKeys(this.dir, ['safe'], () => false);
  #desk = this.#open();
  #works = new Works(this.dir);
  #marks = 0;
  #now = 1_772_366_400_000;

  constructor() {
    const writer = new Writer();
    const salted = { ...streamConfig('safe', { one: POLICY, two: POLICY }, 3), salted: true as const };
    const configs = [salted, streamConfig('plain', { three: POLICY }, 3)];
    this.#desk.journal.append(configs.map((config) => writer.config(config, this.#now)));
  }

  #open(): Desk {
    return new Desk(this.dir, { sources: SOURCES, streamKeys: this.#keys });
  }

  take(step: Step): Promise<void> | void {
    this.#now += 60;
    switch (step.kind) {
      case 'send':
        return this.#send(step);
      case 'erase':
        return this.#erase(step);
      case 'discard':
        return this.#discard(step.newest);
      case 'certify':
        return this.#certify(step.fault);
      case 'finish':
        return this.#finish(step.upTo);
      case 'restart':
        return this.#restart();
    }
  }

  #send({ source, events }: Sent): void {
    const known = (id: number) => this.versions.filter((version) => version.source === source && version.id === id);
    const marks = events.map(({ id, again }) => {
      const repeated = again ? known(id).at(-1)?.mark : undefined;
      return repeated ?? `mark-${++this.#marks}-`;
    });
    // What is sent again has to be the same to the last byte.
    const texts = events.map(({ id, v }, place) => {
      const value = Number(marks[place]?.split('-')[1]) % 9;
      return JSON.stringify({ id, v: value, mark: marks[place], w: v >= 0 });
    });
    const [draft] = this.#desk.accept([lines(source, texts)], this.#now);
    if (draft === undefined || draft instanceof IntakeError) throw draft;
    let duplicates = 0;
    for (const [place, { id }] of events.entries()) {
      const mark = marks[place]!;
      const before = known(id);
      if (before.some((version) => version.erased || version.mark === mark)) duplicates++;
      else this.versions.push({ source, id, mark, eventId: draft.eventIds[place]!, erased: false });
    }
    expect(draft.duplicates).toBe(duplicates);
  }

  #erase({ source, id, fault }: Extract<Step, { kind: 'erase' }>): void {
    const wanted = this.versions.filter((version) => version.source === source && version.id === id);
    const [first] = wanted;
    if (first === undefined) return;
    const positions = this.#desk.versions.find(first.eventId);
    const erase = () => this.#desk.arrivals.erase(positions, WORD, this.#now);
    if (source === 'three') {
      expect(erase()).toEqual({ kind: 'not-salted', stream: 'plain' });
      return;
    }
    this.#desk.journal.fault = fault;
    const standing = first.erased;
    try {
      const erasing = erase();
      expect(erasing).toMatchObject({ kind: 'erased', entries: positions.map((position) => ({ position, ...WORD })) });
    } catch (error) {
      if (fault === undefined) throw error;
      this.#restart();
      if (fault === 'failed' && !standing) return;
    } finally {
      this.#desk.journal.fault = undefined;
    }
    for (const version of wanted) version.erased = true;
  }

  /** An event in quarantine is given up, unless it is erased. */
  #discard(newest: boolean): void {
    const rows = this.#works.ledger.quarantinedBefore(Number.MAX_SAFE_INTEGER, 100, { left: false });
    const row = rows.at(newest ? 0 : -1);
    if (row === undefined) return;
    const { position, stream } = row;
    const said = this.#desk.journal.resolution(position) !== undefined;
    const word = { position, stream, action: 'discard' as const, ...WORD };
    const [heard] = this.#desk.arrivals.resolve([word], this.#now);
    const erased = this.#desk.journal.erasure(position) !== undefined;
    expect(heard).toMatchObject({ taken: !said && !erased, entry: erased ? undefined : { position } });
  }

  async #certify(fault?: Fault): Promise<void> {
    await this.#works.run(fault);
  }

  #finish(upTo: Extract<Step, { kind: 'finish' }>['upTo']): void {
    const { journal, versions } = this.#desk;
    const ledger = new SqliteErasureLedger(this.dir);
    const stops: ErasureLedger = {
      hasLeaf: (entry) => ledger.hasLeaf(entry),
      trim: () => upTo !== 'overwritten' && ledger.trim() && upTo === 'done',
    };
    const due = journal.erasuresToDo().some(({ first }) => ledger.hasLeaf(first));
    expect(eraseForGood(journal, stops, () => versions.forget())).toBe(upTo === 'done' || !due);
    ledger.close();
    if (upTo !== 'done') this.#restart();
  }

  #restart(): void {
    this.#desk.close();
    this.#works.close();
    this.#desk = this.#open();
    this.#works = new Works(this.dir);
  }

  /** Erased versions of which nothing is to be left by now. */
  gone(): Version[] {
    const left = new Set(this.#desk.journal.erasuresToDo().map(({ position }) => position));
    return this.versions.filter(
      ({ erased, eventId }) => erased && !this.#desk.versions.find(eventId).some((position) => left.has(position)),
    );
  }

  async end(): Promise<void> {
    const { journal } = this.#desk;
    const cut = (stream: string, place: number) => ({
      ...{ kind: 'cut' as const, first: journal.next + place, stream, at: this.#now },
    });
    journal.append(['safe', 'plain'].map(cut));
    await this.#certify();
    this.#finish('done');
    expect(this.#desk.journal.erasuresToDo()).toEqual([]);
    this.checkLeaves();
    this.checkReading();
    this.#desk.close();
    this.#works.close();
  }

  /** Each version has its leaf, and so has each erasure; packets of the salted stream hold no payload. */
  checkLeaves(): void {
    const found = ['safe', 'plain'].flatMap((stream) => everyLine(this.#works, stream));
    const own = found.filter(({ leaf }) => leaf.kind === 'record' || leaf.kind === 'quarantined');
    expect(own).toHaveLength(this.versions.length);
    for (const { leaf, payload } of own) {
      if (leaf.kind === 'record') expect(payload === undefined).toBe(leaf.stream === 'safe');
    }
    const erased = found.flatMap(({ leaf }) =>
      leaf.kind === 'control' && leaf.action === 'erased' ? (leaf.data as { eventId: string }).eventId : [],
    );
    expect(erased.sort()).toEqual(this.versions.flatMap((version) => (version.erased ? version.eventId : [])).sort());
  }

  checkReading(): void {
    const readers = openReaders(this.dir);
    for (const eventId of new Set(this.versions.map((version) => version.eventId))) {
      const versions = this.versions.filter((version) => version.eventId === eventId);
      const records = this.#desk.versions.find(eventId).map((position) => readers.events.record(position)!);
      for (const [place, { erased, mark, id }] of versions.entries()) {
        const record = records[place]!;
        const { raw } = readers.reconstruction.of(record);
        const { normalized, status, erased: word } = readers.events.item(record);
        if (erased) expect([raw, normalized, word?.reason]).toEqual([null, null, WORD.reason]);
        else expect([raw, word]).toEqual([expect.objectContaining({ id, mark }), undefined]);
        if (!erased && status === 'certified') expect(normalized).toEqual(raw);
      }
    }
    readers.close();
  }
}

const source = fc.constantFrom('one', 'one', 'one', 'two', 'three') as fc.Arbitrary<Sent['source']>;
const id = fc.nat(2);
const fault = fc.option(fc.constantFrom<Fault>('failed', 'failed but persisted'), { freq: 2, nil: undefined });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      source,
      events: fc.array(fc.record({ id, v: fc.nat(9), again: fc.boolean() }), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('erase' as const), source, id, fault }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('certify' as const), fault }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('finish' as const),
      upTo: fc.constantFrom('overwritten' as const, 'trimmed' as const, 'done' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('discard' as const), newest: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

test('what is erased is gone, and all else is there', { timeout: 120_000 }, async () => {
  let erasures = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 16, maxLength: 30 }), async (steps) => {
      const world = new World();
      for (const one of steps) {
        await world.take(one);
        for (const { mark } of world.gone()) expect(filesWith(world.dir, mark)).toEqual([]);
      }
      await world.end();
      const erased = world.versions.filter((version) => version.erased);
      erasures += erased.length;
      for (const { mark, erased: gone } of world.versions) {
        expect(filesWith(world.dir, mark).length > 0).toBe(!gone);
      }
      expect(fsck(world.dir)).toMatchObject({ violations: [], notes: [] });
      expect(await replay(world.dir)).toMatchObject({ equal: true, onTrust: erased.length });
    }),
    { numRuns: 25 },
  );
  expect(erasures).toBeGreaterThan(20);
});

test('what was released from quarantine and then erased is derived from its newest leaf', async () => {
  const dir = directories.next();
  const works = new Works(dir);
  const writer = new Writer();
  const config = (policy: MappingPolicy) => ({ ...streamConfig('safe', { one: policy }), salted: true as const });
  const events = [1, 2, 3].map((n) => ({ id: `${n}`, text: JSON.stringify({ id: n, mark: `only-${n}` }) }));
  const entries = [
    writer.config(config({ required: ['v'] }), 100),
    writer.events('safe', 'one', events, 101, true),
    writer.cut('safe', 102),
    writer.config(config({}), 103),
    writer.resolution('safe', 2, 'release', 104),
    writer.resolution('safe', 3, 'discard', 105),
    writer.cut('safe', 106),
    ...[2, 3, 4].map((position) => writer.erasure('safe', position, 107)),
    writer.cut('safe', 108),
  ];
  works.journal.append(entries);
  await works.run();
  expect(await replay(dir)).toMatchObject({ equal: true, onTrust: 0 });
  const ledger = new SqliteErasureLedger(dir);
  let forgotten = 0;
  for (let times = 0; times < 2; times++) expect(eraseForGood(works.journal, ledger, () => forgotten++)).toBe(true);
  expect(forgotten).toBe(1);
  ledger.close();
  verifyStream(works, 'safe');
  expect(everyLine(works, 'safe').map(({ leaf }) => leaf.kind)).toEqual([
    ...['header', 'quarantined', 'quarantined', 'quarantined', 'control', 'record', 'control'],
    ...['control', 'control', 'control'],
  ]);
  works.close();
  expect(filesWith(dir, 'only-')).toEqual([]);
  expect(fsck(dir).violations).toEqual([]);
  expect(await replay(dir)).toMatchObject({ equal: true, events: 3, onTrust: 3 });
});

test('an event of which nothing is left before its log has it stops the pipeline', async () => {
  const works = new Works(directories.next());
  const writer = new Writer();
  works.journal.append([
    writer.config({ ...streamConfig('safe', { one: {} }), salted: true }, 100),
    writer.events('safe', 'one', [{ id: '1', text: '{"id":1}' }], 101, true),
    writer.cut('safe', 102),
  ]);
  works.journal.overwrite([2]);
  await expect(works.run()).rejects.toThrow('nothing is left of the event at 2');
  works.close();
});

test('what has been read of the journal can be let go of', () => {
  const desk = new Desk(directories.next(), { sources: SOURCES });
  const [draft] = desk.accept([lines('three', [{ id: 'a' }])]);
  const find = () => desk.versions.find((draft as Draft).eventIds[0]!);
  expect(find()).toEqual([1]);
  desk.journal.unreadable = true;
  expect(find()).toEqual([1]);
  desk.versions.forget();
  expect(find).toThrow('the disk is gone');
  desk.close();
});
