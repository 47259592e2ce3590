/** Whatever is sent, configured and resolved, and however often the pipeline starts again: replay and fsck find nothing. */
import { afterAll, expect, test } from 'vitest';
import { fsck } from '../../src/fsck/index.ts';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import { replay } from '../../src/replay/index.ts';
import type { JournalEntry, ResolutionAction } from '../../src/store/journal.ts';
import type { OrderPolicy, StreamConfig } from '../../src/stream.ts';
import { randomNumbers } from '../http/random.ts';
import { Directories } from '../support/directories.ts';
import { type Raw, Writer } from '../support/journal.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';
import { BASE } from './made.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const SOURCES: Record<string, string[]> = { single: ['one'], pair: ['two', 'three'], many: ['four', 'five', 'six'] };
const STEPS = 120;

class World {
  readonly #random: () => number;
  readonly #writer = new Writer();
  readonly #counts = new Map<string, number>();
  readonly #resolved = new Set<number>();
  #at = BASE;

  constructor(seed: number) {
    this.#random = randomNumbers(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(...choices: T[]): T {
    return choices[this.below(choices.length)]!;
  }

  start(): JournalEntry[] {
    return Object.keys(SOURCES).map((stream) => this.#writer.config(this.#config(stream), this.#at));
  }

  next(works: Works): JournalEntry | undefined {
    this.#at += this.below(400);
    const stream = this.pick(...Object.keys(SOURCES));
    const kind = this.#random();
    if (kind < 0.7) return this.#events(stream);
    if (kind < 0.9) return this.#writer.cut(stream, this.#at);
    return kind < 0.95 ? this.#writer.config(this.#config(stream), this.#at) : this.#word(works);
  }

  #events(stream: string): JournalEntry {
    const source = this.pick(...SOURCES[stream]!);
    const raws = Array.from({ length: 1 + this.below(4) }, () => this.#raw(source));
    return this.#writer.events(stream, source, raws, this.#at);
  }

  /** Late, early or in time; with or without what its policy wants. */
  #raw(source: string): Raw {
    const n = (this.#counts.get(source) ?? 0) + 1;
    this.#counts.set(source, n);
    // Sources that are fused by external id have some of them in common.
    const id = `${this.pick('shared', source)}-${Math.ceil(n / 2)}-${n}`;
    const ts = new Date(this.#at + Math.floor((this.#random() * 2 - 1.7) * this.pick(300, 300, 3000))).toISOString();
    const v = this.chance(0.1) ? undefined : this.below(5);
    return { id, text: JSON.stringify({ id, ts, k: this.pick('x', 'y'), v, n: this.chance(0.2) ? 0 : n }) };
  }

  /** An operator's word about an event in quarantine that nothing has been said about. */
  #word({ ledger, journal }: Works): JournalEntry | undefined {
    const waiting = ledger.quarantinedBefore(Number.MAX_SAFE_INTEGER, 100).map(({ position }) => position);
    const position = waiting.find((each) => !this.#resolved.has(each));
    if (position === undefined) return undefined;
    this.#resolved.add(position);
    const action = this.pick<ResolutionAction>('release', 'discard');
    return this.#writer.resolution(journal.entryAt(position)!.stream, position, action, this.#at);
  }

  #config(stream: string): StreamConfig {
    const [windowed, fused] = [this.chance(0.5), this.chance(0.5)];
    const policy: MappingPolicy = {
      ...{ map: { k: 'k', v: 'v', n: 'n' }, required: ['v'], onIssue: this.pick('quarantine', 'certify') },
      constraints: {
        bounds: { v: { max: this.pick(3, 5) } },
        ...(this.chance(0.3) ? { monotonicFields: ['n'] } : {}),
      },
    };
    const sources = Object.fromEntries(SOURCES[stream]!.map((source) => [source, policy]));
    const config = streamConfig(stream, sources, this.pick(3, 7, 50));
    return {
      ...config,
      publish: { ...config.publish, ...(windowed ? { windowMs: 1000 } : {}) },
      ...(windowed || fused ? { order: this.#order(fused) } : {}),
      ...(fused ? { fusion: this.#fusion() } : {}),
    };
  }

  #order(fused: boolean): OrderPolicy {
    return {
      ...{ bufferMs: this.pick(0, 300, 800), idleMs: this.pick(500, 2000), futureMs: this.pick(500, 5000) },
      late: fused ? this.pick('correct', 'quarantine') : this.pick('next', 'correct', 'quarantine'),
    };
  }

  #fusion(): FusionPolicy {
    const strategy = this.pick('quorum', 'latest', 'median');
    return {
      ...{ strategy, fields: this.pick('whole', 'each') },
      ...(this.chance(0.7) ? { key: ['k'] } : {}),
      ...(this.chance(0.7) ? { bucketMs: this.pick(400, 900) } : {}),
      ...(this.chance(0.3) ? { deadlineMs: 300 } : {}),
      ...(strategy === 'quorum' ? { min: 2, onNoQuorum: this.pick('quarantine', 'unresolved') } : {}),
    };
  }
}

test.each(Array.from({ length: 12 }, (_, place) => 240 + place))('world %i', async (seed) => {
  const world = new World(seed);
  const dir = directories.next();
  const works = new Works(dir, undefined, { snapshotItems: world.pick(1, 30, 200) });
  works.journal.append(world.start());
  for (let step = 0; step < STEPS; step++) {
    const entry = world.next(works);
    if (entry !== undefined) works.journal.append([entry]);
    if (world.chance(0.5)) await works.run();
    if (world.chance(0.1)) works.restart();
  }
  await works.run();
  works.close();
  expect(fsck(dir).violations).toEqual([]);
  expect((await replay(dir)).streams.filter(({ difference }) => difference !== undefined)).toEqual([]);
});
