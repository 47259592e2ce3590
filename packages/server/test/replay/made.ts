/** Ledgers with streams of every kind, the same in every run, as the pipeline leaves them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eraseForGood } from '../../src/erasure.ts';
import type { FusionPolicy } from '../../src/fuse/policy.ts';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import type { JournalEntry } from '../../src/store/journal.ts';
import type { OrderPolicy, StreamConfig } from '../../src/stream.ts';
import { randomNumbers } from '../http/random.ts';
import { type Raw, Writer } from '../support/journal.ts';
import { configOf, raws } from '../support/ledger.ts';
import { streamConfig } from '../support/node.ts';
import { Works } from '../support/passage.ts';

export const BASE = Date.parse('2026-03-01T12:00:00Z');
const ORDER: OrderPolicy = { bufferMs: 500, idleMs: 2000, futureMs: 10_000, late: 'correct' };
const POLICY: MappingPolicy = {
  map: { k: 'k', v: 'v' },
  required: ['v'],
  constraints: { bounds: { v: { max: 100 } } },
};
const RISING: MappingPolicy = {
  ...POLICY,
  map: { ...POLICY.map, n: 'n' },
  constraints: { monotonicFields: ['n'], monotonicKey: ['k'] },
};
const QUORUM: FusionPolicy = { strategy: 'quorum', key: ['k'], bucketMs: 600, min: 2, tolerance: { v: 0.5 } };

/** Streams and their sources: `windows`, `corrected`, `fused` and `rising` go through a stage, `plain` does not. */
export function configs(maxAge: number): StreamConfig[] {
  const stream = (id: string, sources: string[], policy: MappingPolicy, more: Partial<StreamConfig>): StreamConfig => ({
    ...streamConfig(id, Object.fromEntries(sources.map((source) => [source, policy])), 20),
    ...more,
  });
  const windows = { ...streamConfig('any', {}, 20).publish, windowMs: 1000, maxAgeMs: maxAge };
  return [
    stream('plain', ['one'], POLICY, {}),
    stream('windows', ['two', 'three'], POLICY, { publish: windows, order: { ...ORDER, late: 'next' } }),
    stream('corrected', ['four'], POLICY, { publish: windows, order: ORDER }),
    stream('fused', ['five', 'six', 'seven'], POLICY, {
      order: ORDER,
      fusion: { ...QUORUM, onNoQuorum: 'quarantine' },
    }),
    stream('rising', ['eight'], RISING, {}),
  ];
}

/** Deliveries, cuts, a change of every configuration halfway, an operator's words, and events that are left waiting. */
export function stagedEntries(rounds = 44): JournalEntry[] {
  const random = randomNumbers(11);
  const writer = new Writer();
  const entries: JournalEntry[] = configs(100).map((config) => writer.config(config, BASE));
  const counts = new Map<string, number>();
  const raw = (source: string, at: number): Raw => {
    const n = (counts.get(source) ?? 0) + 1;
    counts.set(source, n);
    const ts = new Date(at - Math.floor(random() * (random() < 0.1 ? 3000 : 600))).toISOString();
    const v = random() < 0.06 ? undefined : random() < 0.03 ? 400 : random() < 0.8 ? 1 : Math.floor(random() * 3);
    const text = JSON.stringify({
      id: `${source}-${n}`,
      ts,
      k: random() < 0.5 ? 'x' : 'y €',
      v,
      n: random() < 0.1 ? 0 : n,
    });
    return { id: `${source}-${n}`, text };
  };
  for (let round = 0; round < rounds; round++) {
    const at = BASE + 1 + round * 400;
    // Far ahead of the clock: it is held to the end.
    if (round === rounds - 18) entries.push(writer.events('windows', 'two', [raw('two', at + 9900)], at));
    if (round === rounds / 2) for (const config of configs(200)) entries.push(writer.config(config, at));
    for (const { id, sources } of configs(100)) {
      for (const source of Object.keys(sources)) {
        const count = 1 + Math.floor(random() * 3);
        entries.push(
          writer.events(
            id,
            source,
            Array.from({ length: count }, () => raw(source, at)),
            at,
          ),
        );
      }
      if (round % 3 === 0) entries.push(writer.cut(id, at + 100));
    }
  }
  for (const stream of ['plain', 'rising']) entries.push(writer.cut(stream, BASE + rounds * 400));
  return entries;
}

/** With the keys that have signed it, so that it can be sealed anew. */
export async function makeStaged(dir: string, entries: readonly JournalEntry[], snapshotItems = 100): Promise<void> {
  const works = new Works(dir, undefined, { snapshotItems });
  try {
    for (let at = 0; at < entries.length; at += 50) {
      works.journal.append(entries.slice(at, at + 50));
      await works.run();
    }
  } finally {
    works.close();
  }
  writeKeys(dir);
}

/** The keys that have signed. */
function writeKeys(dir: string): void {
  for (const [file, byte] of [
    ['identity.key', 7],
    ['log.key', 9],
  ] as const) {
    writeFileSync(join(dir, file), Buffer.alloc(32, byte).toString('hex'), { mode: 0o600 });
  }
}

/** A stream of two packets: four events in quarantine, and then one that was released and one that was discarded. */
export async function makeResolved(dir: string): Promise<void> {
  const writer = new Writer();
  const [strict, lax] = [configOf('beta', 20, { required: ['no'] }), configOf('beta', 20, {})];
  await makeStaged(dir, [
    writer.config(strict, BASE),
    writer.events('beta', 'three', raws(4), BASE),
    writer.cut('beta', BASE + 10),
    writer.config(lax, BASE + 20),
    writer.resolution('beta', 3, 'release', BASE + 30),
    writer.resolution('beta', 4, 'discard', BASE + 40),
    writer.cut('beta', BASE + 50),
  ]);
}

export function eventsIn(entries: readonly JournalEntry[]): number {
  return entries.reduce((sum, entry) => sum + (entry.kind === 'events' ? entry.events.count : 0), 0);
}

/**
 * A salted stream: five events, of which the fourth is in quarantine; then, each in a packet of its own, the leaves that
 * say that the fourth and the third are erased.
 */
export async function makeErased(dir: string): Promise<void> {
  const works = new Works(dir);
  const writer = new Writer();
  const config: StreamConfig = { ...streamConfig('safe', { one: { required: ['v'] } }), salted: true };
  const text = (n: number) => JSON.stringify({ id: n, v: n === 4 ? undefined : `only-${n}` });
  const events = [1, 2, 3, 4, 5].map((n) => ({ id: `${n}`, text: text(n) }));
  for (const group of [
    [writer.config(config, BASE), writer.events('safe', 'one', events, BASE, true), writer.cut('safe', BASE + 10)],
    [writer.erasure('safe', 5, BASE + 20), writer.cut('safe', BASE + 30)],
    [writer.erasure('safe', 4, BASE + 40), writer.cut('safe', BASE + 50)],
  ]) {
    works.journal.append(group);
    await works.run();
  }
  eraseForGood(works.journal, { hasLeaf: () => true, trim: () => true }, () => undefined);
  works.close();
  writeKeys(dir);
}
