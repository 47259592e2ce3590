/** A fault at every boundary: what follows is the same as without it. */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Packr } from 'msgpackr';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Folders } from '../../src/spool/folders.ts';
import type { SpoolStore } from '../../src/spool/store.ts';
import { Directories } from '../support/directories.ts';
import { content, ndjson, once, put, told, tree } from './spools.ts';
import { StandIn } from './stand-in.ts';

class Crash extends Error {
  readonly code = 'simulated-crash';
}

const CHANGES = new Set<string | symbol>([
  ...[
    'plan',
    'moved',
    'opened',
    'refused',
    'replaying',
    'markPii',
    'rewind',
    'hold',
    'advance',
    'replayed',
    'ended',
    'certified',
    'done',
  ],
  ...['release', 'delivered', 'take', 'syncTaken', 'file', 'removeEmpty', 'report'],
]);

interface Plan {
  /** Which change fails, from 1. */
  at: number;
  /** Whether it was made all the same. */
  persisted: boolean;
}

/** Fails once at the planned change and, as a process that is gone, at whatever comes after. */
class Faults {
  readonly #plan: Plan | undefined;
  changes = 0;

  constructor(plan?: Plan) {
    this.#plan = plan;
  }

  get crashed(): boolean {
    return this.#plan !== undefined && this.changes >= this.#plan.at;
  }

  over<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_target, name) => {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) =>
          this.#call(name, () => (member as (...all: unknown[]) => unknown).apply(target, args));
      },
    });
  }

  #call(name: string | symbol, work: () => unknown): unknown {
    if (this.crashed) throw new Crash();
    if (!CHANGES.has(name)) return work();
    this.changes++;
    if (!this.crashed) return work();
    if (this.#plan?.persisted !== true) throw new Crash();
    const result = work();
    if (!(result instanceof Promise)) throw new Crash();
    return result.then(() => {
      throw new Crash();
    });
  }
}

const directories = new Directories();
let server: StandIn;
beforeEach(async () => {
  server = new StandIn();
  server.refuses = (text) => text === 'not this';
  await server.listen();
});
afterEach(() => server.close());
afterAll(() => directories.remove());

const TEXTS = Array.from({ length: 2100 }, (_, n) => `text ${n}`);

function fill(dir: string): void {
  put(dir, 'a.ndjson', `${ndjson(TEXTS.slice(0, 2000))}{"no":"text"}\n${ndjson(['not this', 'text 7'])}`);
  put(dir, 'b.json', JSON.stringify(TEXTS.slice(1990, 2050).map((text) => ({ text }))));
  const records = TEXTS.slice(2050).map((text) => ({ text }));
  put(dir, 'c.msgpack', new Packr({ useRecords: false }).pack({ records }));
}

async function attempt(dir: string, faults: Faults): Promise<boolean> {
  const overrides = {
    store: (store: SpoolStore) => faults.over(store),
    folders: (folders: Folders) => faults.over(folders),
  };
  try {
    await once(server, dir, { env: { SPOOL_BATCH_TAG: 'run' }, overrides });
    return true;
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    return false;
  }
}

function assertWhole(dir: string): void {
  expect(server.leaves.toSorted()).toEqual([...new Set(server.leaves)].sort());
  expect(new Set([...server.events.values()].map(({ text }) => text))).toEqual(new Set(TEXTS));
  expect(tree(dir)).toEqual([
    ...['archive/run/a.ndjson', 'archive/run/b.json', 'archive/run/c.msgpack', 'failed/run/rejected.ndjson'],
  ]);
  const rejected = content(dir, 'failed/run/rejected.ndjson').trim().split('\n');
  expect(rejected.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ file: 'a.ndjson', index: 2000, error: 'text-missing' }),
    expect.objectContaining({ file: 'a.ndjson', index: 2001, error: 'refused-here' }),
  ]);
  expect([...server.batches.keys()]).toEqual(['run']);
  expect(told(server)).toEqual({ run: ['gate.open', 'gate.done', 'embed.start'] });
  for (const { message } of server.published) {
    if (message.event !== 'gate.done') continue;
    expect(message).toMatchObject({ status: 'success', processed: 2111, inserted: 2100, duplicates: 11, rejected: 2 });
  }
}

async function countChanges(): Promise<number> {
  const dir = directories.next();
  const faults = new Faults();
  fill(dir);
  expect(await attempt(dir, faults)).toBe(true);
  assertWhole(dir);
  return faults.changes;
}

describe.each([
  { persisted: false, what: 'failed' },
  { persisted: true, what: 'failed but persisted' },
])('a change that $what', ({ persisted }) => {
  it('is made good by the next start, whichever it is', { timeout: 60_000 }, async () => {
    const changes = await countChanges();
    expect(changes).toBeGreaterThan(15);
    for (let at = 1; at <= changes; at++) {
      await server.close();
      server = new StandIn();
      server.refuses = (text) => text === 'not this';
      await server.listen();
      const dir = directories.next();
      fill(dir);
      const faults = new Faults({ at, persisted });
      expect(await attempt(dir, faults), `change ${at}`).toBe(false);
      await attempt(dir, new Faults());
      assertWhole(dir);
    }
  });
});

it.each(['lost', 'dropped'] as const)('sends again what was %s on its way, and counts it once', async (fault) => {
  const dir = directories.next();
  fill(dir);
  const seen = new Set<string>();
  server.fault = ({ method, path, body }) => {
    const key = `${method} ${path} ${body}`;
    if (seen.has(key)) return undefined;
    seen.add(key);
    return fault;
  };
  expect(await attempt(dir, new Faults())).toBe(true);
  assertWhole(dir);
});

it('files the rest of a run that was half filed', async () => {
  const dir = directories.next();
  fill(dir);
  const upToFiling = new Faults({ at: Number.POSITIVE_INFINITY, persisted: false });
  const overrides = {
    store: (store: SpoolStore) => upToFiling.over(store),
    folders: (folders: Folders) =>
      new Proxy(folders, {
        get: (target, name) => {
          const member = Reflect.get(target, name, target) as unknown;
          if (typeof member !== 'function') return member;
          if (name !== 'file') return (member as () => unknown).bind(target);
          return () => {
            mkdirSync(join(dir, 'archive/run'), { recursive: true });
            renameSync(join(dir, 'processing/run/b.json'), join(dir, 'archive/run/b.json'));
            throw new Crash();
          };
        },
      }),
  };
  await expect(once(server, dir, { env: { SPOOL_BATCH_TAG: 'run' }, overrides })).rejects.toThrow(Crash);
  expect(tree(dir)).toEqual(['processing/run/a.ndjson', 'processing/run/c.msgpack', 'archive/run/b.json']);
  await once(server, dir);
  assertWhole(dir);
});
