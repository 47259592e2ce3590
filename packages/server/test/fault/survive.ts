/** A server under load is killed again and again; what it has acknowledged must be certified, once, and nothing else. */
import { setTimeout as delay } from 'node:timers/promises';
import { fsck } from '../../src/fsck/index.ts';
import { launch, type ServerProcess, start } from '../support/server-process.ts';
import { certified } from './certified.ts';
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
  /** From the start of the process until it listened; without the first start, on an empty directory. */
  restartsMs: number[];
  /** Versions of events. */
  acknowledged: number;
  certified: number;
}

const CONNECTIONS = 6;
/** One kill in so many comes before the server listens, the very first on a directory that is still being made. */
const ON_THE_WAY_UP = 4;
const FIRST_START_MS = 1000;

export async function survive({ dataDir, kills, seed, maxLoadMs, say }: SurviveOptions): Promise<Survived> {
  const random = new Random(seed);
  const load = new Load(new Deliveries(random), random);
  const starts: number[] = [];
  let killsOnTheWayUp = 0;
  for (let round = 0; round < kills && load.failures.length === 0; round++) {
    if (round % ON_THE_WAY_UP === 0) {
      const after = random.between(0, Math.round(starts.at(-1) ?? FIRST_START_MS));
      if (await killOnTheWayUp(dataDir, after)) killsOnTheWayUp++;
      say(`kill ${round + 1}  ${after} ms after the start of the process`);
      continue;
    }
    const server = await start(dataDir, SETTINGS);
    starts.push(server.startMs);
    const after = random.between(20, maxLoadMs);
    load.start(server.url, CONNECTIONS);
    await delay(after);
    const stopped = load.stop();
    await server.kill();
    await stopped;
    say(
      `kill ${round + 1}  listening after ${Math.round(server.startMs)} ms, under load for ${after} ms;` +
        ` ${load.acknowledged} events acknowledged so far, ${load.unresolved} deliveries without an answer`,
    );
  }
  const last = await start(dataDir, SETTINGS);
  starts.push(last.startMs);
  const end = await judge(last, load, dataDir);
  const [, ...restartsMs] = starts;
  return { ...end, kills, killsOnTheWayUp, restartsMs, acknowledged: load.acknowledged };
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

async function judge(
  server: ServerProcess,
  load: Load,
  dataDir: string,
): Promise<{ failures: string[]; certified: number }> {
  await load.settle(server.url);
  const failures = [...load.failures];
  const found = await certified(server.url);
  for (const [key, acknowledged] of load.sent) {
    const times = found.get(key) ?? 0;
    if (acknowledged && times === 0) failures.push(`lost: ${key}`);
    if (times > 1) failures.push(`certified ${times} times: ${key}`);
  }
  for (const key of found.keys()) if (!load.sent.has(key)) failures.push(`never sent: ${key}`);
  const code = await server.stop();
  if (code !== 0) failures.push(`the server ended with ${code}: ${server.output().stderr.slice(-500)}`);
  const { violations, checked } = fsck(dataDir);
  failures.push(...violations.map(({ code, where, what }) => `fsck: ${code} ${where}: ${what}`));
  const total = [...found.values()].reduce((sum, times) => sum + times, 0);
  if (checked.events !== total) failures.push(`${checked.events} events journaled, ${total} in the feed`);
  return { failures, certified: total };
}
