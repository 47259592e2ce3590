/** Redis and the journal together, with a real server that comes and goes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { type RedisServer, redisOrSkip } from '../../../server/test/support/redis.ts';
import {
  BatchTracker,
  type BatchTrackerOptions,
  batchJournal,
  type LifecycleEvent,
  memoryTrackerStore,
  type TrackerError,
} from '../../src/index.ts';
import { eventually } from '../stand-in.ts';
import { JOURNAL_TOKEN, JournalServer } from './journal-server.ts';
import { embedStart, gateDone, gateOpen, messageOf } from './tracking.ts';

const root = mkdtempSync(join(tmpdir(), 'tidemark-tracker-'));
let server: RedisServer;
let publisher: Redis;
let journal: JournalServer;
let journalUrl: string;
const closing: (() => unknown)[] = [];

beforeEach(async (context: TestContext) => {
  server = await redisOrSkip(context);
  publisher = client();
  journal = new JournalServer();
  journalUrl = await journal.listen();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  journal?.close();
  await server?.stop();
});
afterAll(() => rmSync(root, { recursive: true }));

/** Tries again at once, and forever: as fast as a test would have it. */
function client(url = server.url): Redis {
  const redis = new Redis(url, {
    retryStrategy: () => 20,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResubscribe: false,
    lazyConnect: false,
  });
  redis.on('error', () => undefined);
  closing.push(() => redis.disconnect());
  return redis;
}

/** As the publish handler does: into the journal, then onto the channel where that can be reached. */
async function publish(...events: LifecycleEvent[]): Promise<void> {
  for (const event of events) {
    const [channel, message] = messageOf(event);
    journal.append(channel, message);
    await publisher.publish(channel, message).catch(() => undefined);
  }
}

async function publishOnly(event: LifecycleEvent): Promise<void> {
  await publisher.publish(...messageOf(event));
}

async function subscribers(): Promise<number> {
  const [, count] = (await publisher.pubsub('NUMSUB', 'ingest_updates')) as [string, number];
  return Number(count);
}

/** Until the publisher can publish, and somebody hears it. */
async function connected(): Promise<void> {
  await eventually(async () => expect(await subscribers()).toBe(1));
}

function tracking(options: Partial<BatchTrackerOptions<never>> = {}) {
  const got: string[] = [];
  const errors: TrackerError[] = [];
  const redis = client();
  const tracker = new BatchTracker({
    redis,
    journal: batchJournal({ url: journalUrl, token: JOURNAL_TOKEN }),
    store: memoryTrackerStore(),
    handlers: [{ handle: (_event, { key }) => void got.push(key) }],
    onError: (error) => errors.push(error),
    ...options,
  });
  closing.push(() => tracker.stop());
  return { tracker, got, errors, redis, codes: () => errors.map(({ code }) => code) };
}

describe('a tracker', () => {
  it('brings what was published before it came, and what is published then, each once', async () => {
    await eventually(() => expect(publisher.status).toBe('ready'));
    await publish(gateOpen('t'));
    const { tracker, got } = tracking();
    await tracker.start();
    await connected();
    await publish(gateDone('t'), gateDone('t'), embedStart('t'));
    await eventually(() => expect(got).toEqual(['gate.open:t', 'gate.done:t', 'embed.start:t']));
    expect(tracker.batch('t')?.state).toBe('embedding');
  });

  it('needs no journal', async () => {
    const { tracker, got } = tracking({ journal: undefined });
    await tracker.start();
    await connected();
    await publishOnly(gateOpen('t'));
    await eventually(() => expect(got).toEqual(['gate.open:t']));
  });

  it('holds what it hears while it still reads what came before', async () => {
    const { tracker, got, redis } = tracking();
    journal.append(...messageOf(gateOpen('t')));
    const release = journal.hold();
    let heard = 0;
    redis.on('message', () => heard++);
    void tracker.start();
    await connected();
    // The confirmation is here, and with it the second reading has begun.
    await eventually(() => expect(journal.asked.length).toBeGreaterThan(1));
    await publishOnly(gateDone('t'));
    await eventually(() => expect(heard).toBe(1));
    expect(got).toEqual([]);
    release();
    await eventually(() => expect(got).toEqual(['gate.open:t', 'gate.done:t']));
  });

  it('does not hold it for a journal that is away', async () => {
    journal.away = true;
    const { tracker, got, codes } = tracking();
    void tracker.start();
    await connected();
    // By the second, its confirmation is here as well.
    const asked = journal.asked.length;
    await eventually(() => expect(journal.asked.length).toBeGreaterThan(asked + 1));
    await publishOnly(gateDone('t'));
    await eventually(() => expect(got).toEqual(['gate.done:t']));
    expect(codes()).toContain('journal-failed');
  });

  it('looks into the journal now and then for what was never published', async () => {
    const { tracker, got } = tracking({ sweepMs: 20 });
    await tracker.start();
    await connected();
    journal.append(...messageOf(gateOpen('t')));
    await eventually(() => expect(got).toEqual(['gate.open:t']));
  });

  it('reports messages that are none, and goes on', async () => {
    const { tracker, got, errors } = tracking({ journal: undefined });
    await tracker.start();
    await connected();
    for (const message of ['no JSON', '', '{"event":"gate.open"}', '{"event":"own.event"}', '\ud800']) {
      await publisher.publish('ingest_updates', message);
    }
    await publisher.publish('other', 'no JSON');
    await publishOnly(gateOpen('t'));
    await eventually(() => expect(got).toEqual(['gate.open:t']));
    expect(errors.map(({ code }) => code)).toEqual(Array(4).fill('invalid-message'));
  });

  it('leaves the channels when it stops', async () => {
    const { tracker } = tracking();
    await tracker.start();
    await connected();
    await tracker.stop();
    expect(await subscribers()).toBe(0);
  });
});

describe('when Redis', () => {
  it('is killed and started again, what was published meanwhile arrives, each once', async () => {
    const { tracker, got } = tracking({ sweepMs: 3_600_000 });
    await tracker.start();
    await connected();
    const expected: string[] = [];
    for (let round = 0; round < 3; round++) {
      const tags = ['before', 'while', 'after'].map((when) => `${when}-${round}`);
      await publish(gateOpen(tags[0]!), gateDone(tags[0]!));
      await server.kill();
      await publish(gateOpen(tags[1]!), gateDone(tags[1]!));
      await server.restart();
      await publish(gateOpen(tags[2]!), gateDone(tags[2]!));
      expected.push(...tags.flatMap((tag) => [`gate.open:${tag}`, `gate.done:${tag}`]));
      await eventually(() => expect([...got].sort()).toEqual([...expected].sort()));
      await connected();
    }
    for (const tag of ['before-0', 'while-1', 'after-2']) {
      expect(got.filter((key) => key.endsWith(tag))).toEqual([`gate.open:${tag}`, `gate.done:${tag}`]);
    }
  });

  it('is away, the journal is followed', async () => {
    await server.kill();
    const { tracker, got, codes } = tracking({ sweepMs: 3_600_000 });
    await tracker.start();
    await eventually(() => expect(codes()).toContain('redis-failed'));
    await publish(gateOpen('t'));
    await eventually(() => expect(got).toEqual(['gate.open:t']));
    await eventually(() => expect(journal.asked.at(-1)).toEqual([1, 25_000]));
  });

  it('goes, the journal is followed from then on', async () => {
    const { tracker, got } = tracking({ sweepMs: 3_600_000 });
    await tracker.start();
    await connected();
    await eventually(() => expect(journal.asked.length).toBeGreaterThan(1));
    await server.kill();
    await eventually(() => expect(journal.asked.at(-1)).toEqual([0, 25_000]));
    await publish(gateOpen('t'));
    await eventually(() => expect(got).toEqual(['gate.open:t']));
  });

  it('comes when the journal is being waited for, that is read at once and left', async () => {
    await server.kill();
    const { tracker, got } = tracking({ sweepMs: 3_600_000 });
    await tracker.start();
    await eventually(() => expect(journal.asked.at(-1)).toEqual([0, 25_000]));
    await server.restart();
    await connected();
    await eventually(() => expect(journal.asked.at(-1)).toEqual([0, 0]));
    await publishOnly(gateOpen('t'));
    await eventually(() => expect(got).toEqual(['gate.open:t']));
  });

  it('ends the connection, what was published meanwhile arrives', async () => {
    const { tracker, got } = tracking({ sweepMs: 3_600_000 });
    await tracker.start();
    await connected();
    for (let round = 0; round < 5; round++) {
      await publisher.client('KILL', 'TYPE', 'PUBSUB');
      await publish(gateOpen(`t${round}`));
    }
    const keys = [0, 1, 2, 3, 4].map((round) => `gate.open:t${round}`);
    await eventually(() => expect(got).toEqual(keys));
  });

  it('does not let it subscribe, that is reported and the journal is followed', async () => {
    await eventually(async () => expect(await publisher.call('ACL', 'SETUSER', 'default', 'resetchannels')).toBe('OK'));
    const { tracker, got, errors } = tracking();
    await tracker.start();
    journal.append(...messageOf(gateOpen('t')));
    await eventually(() => expect(got).toEqual(['gate.open:t']));
    await eventually(() => expect(errors[0]?.message).toContain('Redis does not subscribe: NOPERM'));
  });
});

describe('a tracker’s process that is killed', () => {
  const keys = ['a', 'b', 'c', 'd'].flatMap((tag) => [`gate.open:${tag}`, `gate.done:${tag}`]);

  /** @returns its lines of output so far, and how to kill it */
  async function started(file: string) {
    const script = join(import.meta.dirname, 'tracker-process.ts');
    const child = spawn(process.execPath, [script, file, server.url, journalUrl], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = new Promise((resolve) => child.once('close', resolve));
    const kill = async () => {
      child.kill('SIGKILL');
      await exited;
    };
    closing.push(kill);
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    await eventually(() => expect(lines).toContain('started'));
    return { lines, kill };
  }

  it('goes on where it was: once for those who commit, at least once for the others', async () => {
    const file = join(root, 'killed.db');
    const seen: string[] = [];
    for (const tag of ['a', 'b', 'c', 'd']) {
      const { lines, kill } = await started(file);
      await publish(gateOpen(tag));
      // Wherever it is with that.
      await eventually(() => expect(lines).toContain(`gate.open:${tag}`), 1);
      await publish(gateDone(tag));
      await kill();
      seen.push(...lines);
    }
    const last = await started(file);
    await eventually(() => expect([...new Set([...seen, ...last.lines])].sort()).toEqual(['started', ...keys].sort()));
    await last.kill();
    const db = new DatabaseSync(file);
    const effects = db
      .prepare('SELECT key FROM effects')
      .all()
      .map(({ key }) => key);
    expect(effects.sort()).toEqual([...keys].sort());
    db.close();
  });
});
