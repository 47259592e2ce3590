/** A server under load is killed again and again; what it has acknowledged must be certified, once, and nothing else. */
import { setTimeout as delay } from 'node:timers/promises';
import { fsck } from '../../src/fsck/index.ts';
import { launch, type ServerProcess, ServerProcessError, start } from '../support/server-process.ts';
import { certified, isFused } from './certified.ts';
import { Deliveries, SETTINGS } from './deliveries.ts';
import { Load } from './load.ts';
import { Random } from './random.ts';

export interface SurviveOptions {
  dataDir: string;
  kills: number;
  seed: number;
  /** Load goes on for up to so many milliseconds before each kill. */
  maxLoadMs: number;
  /** Told of each round, and of the end. */
  say: (line: string) => void;
}

export interface Survived {
  /** What went wrong, in words; empty when all is well. */
  failures: string[];
  kills: number;
  /** Of these, before the server listened. */
  killsOnTheWayUp: number;
  /** From the start of the process until it listened. */
  restartsMs: number[];
  /** Versions of events. */
  acknowledged: number;
  certified: number;
}

const CONNECTIONS = 6;
/** One kill in so many comes before the server listens, the very first on a directory that is still being made. */
const ON_THE_WAY_UP = 4;
const FIRST_START_MS = 1000;
/** Of events that were fused, each costs a request. */
const FUSED_LOOKED_AT = 500;

export async function survive(options: SurviveOptions): Promise<Survived> {
  const { dataDir, seed } = options;
  const random = new Random(seed);
  const load = new Load(new Deliveries(random), random);
  const result: Survived = {
    failures: [],
    kills: 0,
    killsOnTheWayUp: 0,
    restartsMs: [],
    acknowledged: 0,
    certified: 0,
  };
  try {
    await killAgainAndAgain(options, random, load, result);
    const last = await start(dataDir, SETTINGS);
    result.restartsMs.push(last.startMs);
    try {
      await judge(last, load, dataDir, result);
    } finally {
      await last.kill();
    }
  } catch (error) {
    // A server that does not come up again, or does not get done, is what this is looking for.
    if (!(error instanceof ServerProcessError || error instanceof RangeError)) throw error;
    result.failures.push(error.message);
  }
  result.failures.push(...load.failures);
  result.acknowledged = load.acknowledged;
  return result;
}

async function killAgainAndAgain(options: SurviveOptions, random: Random, load: Load, result: Survived): Promise<void> {
  const { dataDir, kills, maxLoadMs, say } = options;
  for (; result.kills < kills && load.failures.length === 0; result.kills++) {
    const name = `kill ${result.kills + 1}`;
    if (result.kills % ON_THE_WAY_UP === 0) {
      const after = random.between(0, Math.round(result.restartsMs.at(-1) ?? FIRST_START_MS));
      const early = await killOnTheWayUp(dataDir, after);
      if (early) result.killsOnTheWayUp++;
      say(`${name}  ${after} ms after the start of the process, ${early ? 'before' : 'after'} it listened`);
      continue;
    }
    const server = await start(dataDir, SETTINGS);
    result.restartsMs.push(server.startMs);
    const after = random.between(20, maxLoadMs);
    load.start(server.url, CONNECTIONS);
    await delay(after);
    await Promise.all([load.stop(), server.kill()]);
    say(
      `${name}  listening after ${Math.round(server.startMs)} ms, under load for ${after} ms;` +
        ` ${load.acknowledged} events acknowledged so far, ${load.unresolved} deliveries without an answer`,
    );
  }
}

/** @returns whether the kill came before the server listened */
async function killOnTheWayUp(dataDir: string, afterMs: number): Promise<boolean> {
  const server = launch(dataDir, SETTINGS);
  let listened = false;
  const noticed = server.listening.then(
    () => {
      listened = true;
    },
    () => undefined,
  );
  await delay(afterMs);
  const early = !listened;
  await server.kill();
  await noticed;
  return early;
}

/** Holds what has been sent against the log as anybody can read it, and the whole directory against `fsck`. */
async function judge(server: ServerProcess, load: Load, dataDir: string, result: Survived): Promise<void> {
  const { failures } = result;
  await load.settle(server.url);
  const acknowledgedKeys = [...load.sent].flatMap(([key, acknowledged]) => (acknowledged ? [key] : []));
  const found = await certified(server.url, acknowledgedKeys);
  for (const [key, acknowledged] of load.sent) {
    const times = found.get(key) ?? 0;
    if (acknowledged && times === 0) failures.push(`lost: ${key}`);
    if (times > 1) failures.push(`certified ${times} times: ${key}`);
  }
  for (const [key, times] of found) {
    if (!load.sent.has(key)) failures.push(`never sent: ${key}`);
    result.certified += times;
  }
  for (const [eventId, versions] of [...load.fused].slice(-FUSED_LOOKED_AT)) {
    if (!(await isFused(server.url, eventId, versions.size))) failures.push(`not in a fused record: ${eventId}`);
  }
  const code = await server.stop();
  if (code !== 0) failures.push(`the server ended with ${code}: ${server.output().stderr.slice(-500)}`);
  const { violations, checked } = fsck(dataDir);
  failures.push(...violations.map(({ code, where, what }) => `fsck: ${code} ${where}: ${what}`));
  for (const { size } of load.fused.values()) result.certified += size;
  if (checked.events !== result.certified) {
    failures.push(`${checked.events} events journaled, ${result.certified} certified`);
  }
}
