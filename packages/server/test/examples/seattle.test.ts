/** `examples/seattle-weather` as its README says, against what the CSV files themselves say. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { verifyProof } from '@tidemark/proof';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { get, type Json, post } from '../http/client.ts';
import { anchoredProof, eventually } from '../http/server.ts';
import { Directories } from '../support/directories.ts';
import { type ServerProcess, start } from '../support/server-process.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', '..', 'examples', 'seattle-weather');
const CONFIG = join(EXAMPLE, 'tidemark.config.json');
const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');
const DATA = join(createRequire(import.meta.url).resolve('vega-datasets'), '..', '..', 'data');
/** °C, in the fusion policies. */
const TOLERANCE = 8;

/** A day as the CSV files have it, in tenths of a degree, in which a tolerance is exact. */
interface Day {
  date: string;
  observed: { high: number; low: number; precipitation: string; weather: string };
  normal: { high: number; low: number } | undefined;
}

const tenths = (text: string) => Math.round(Number(text) * 10);
const isFar = ({ observed, normal }: Day) =>
  normal !== undefined &&
  (Math.abs(observed.high - normal.high) > TOLERANCE * 10 || Math.abs(observed.low - normal.low) > TOLERANCE * 10);

function csv(file: string): string[][] {
  const [, ...lines] = readFileSync(join(DATA, file), 'utf8').trim().split(/\r?\n/);
  return lines.map((line) => line.split(','));
}

function daysOfTheFiles(): Day[] {
  const normals = new Map<string, { high: number; low: number }>();
  for (const [time = '', , temperature = ''] of csv('seattle-weather-hourly-normals.csv')) {
    const day = time.slice(5, 10);
    const { high, low } = normals.get(day) ?? { high: -Infinity, low: Infinity };
    normals.set(day, { high: Math.max(high, tenths(temperature)), low: Math.min(low, tenths(temperature)) });
  }
  return csv('seattle-weather.csv').map(([date = '', precipitation = '', high = '', low = '', , weather = '']) => {
    const observed = { high: tenths(high), low: tenths(low), precipitation, weather };
    return { date, observed, normal: normals.get(date.slice(5)) };
  });
}

function run(...args: string[]): Promise<{ code: number | null; stdout: string }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, stdout: Buffer.concat(pieces).toString() }));
  });
}

async function publish(dir: string, series: string): Promise<string> {
  const { code, stdout } = await run(join(EXAMPLE, 'publish.ts'), series);
  expect(code).toBe(0);
  const path = join(dir, `${series}.ndjson`);
  writeFileSync(path, stdout);
  return path;
}

/** What a stream has decided, oldest first. */
async function decisionsOf(url: string, stream: string): Promise<Json[]> {
  const items: Json[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await get(url, `/ingest/conflicts?stream=${stream}&all=true&limit=1000${cursor}`);
    items.push(...body.items);
    if (body.nextCursor === null) return items.reverse();
    cursor = `&cursor=${body.nextCursor}`;
  }
}

describe('two series of the weather in Seattle', () => {
  const days = daysOfTheFiles();
  const directories = new Directories();
  const dir = directories.next();
  const dataDir = directories.next();
  let server: ServerProcess;
  let seattle: Json[] = [];
  let plausible: Json[] = [];

  beforeAll(async () => {
    const observed = await publish(dir, 'observed');
    const normals = await publish(dir, 'normals');
    server = await start(dataDir, { ANCHOR_INTERVAL_MS: '100' }, ['--config', CONFIG]);
    for (const [source, file] of [
      ['observed', observed],
      ['normals', normals],
      ['observed-strict', observed],
      ['normals-strict', normals],
    ] as const) {
      const { code } = await run(COMMAND, 'ingest', file, '--source', source, '--url', server.url);
      expect(code).toBe(0);
    }
    await sendNextDay();
    seattle = await eventually(() => allDecided('seattle'), 100);
    plausible = await eventually(() => allDecided('seattle-plausible'), 100);
  }, 120_000);

  afterAll(async () => {
    await server?.stop();
    directories.remove();
  });

  /** The last day of the files waits for the next one, made up here, or for ten minutes of silence. */
  async function sendNextDay(): Promise<void> {
    const time = '2016-01-01T12:00:00Z';
    const observed = { station: 'Seattle', date: '2016-01-01', time, temp_max: '7', temp_min: '1' };
    const normal = { place: 'Seattle', day: '2016-01-01', at: time, normal: { warmest_hour: 6, coldest_hour: 3 } };
    for (const suffix of ['', '-strict']) {
      await post(server.url, { sourceId: `observed${suffix}`, events: [observed] });
      await post(server.url, { sourceId: `normals${suffix}`, events: [normal] });
    }
  }

  async function allDecided(stream: string): Promise<Json[]> {
    const decisions = await decisionsOf(server.url, stream);
    expect(decisions).toHaveLength(days.length);
    return decisions;
  }

  test('the files have what the example says of them', () => {
    expect([days[0]?.date, days.at(-1)?.date, days.length]).toEqual(['2012-01-01', '2015-12-31', 1461]);
    expect(days.filter(({ normal }) => normal === undefined).map(({ date }) => date)).toEqual(['2012-02-29']);
    expect(days.filter(isFar)).toHaveLength(97);
  });

  test('each day is decided once, in order; a conflict is a day far from normal', () => {
    const decided = seattle.map(({ key, bucket, conflict, supersedes }) => ({ key, bucket, conflict, supersedes }));
    expect(decided).toEqual(
      days.map((day) => ({ key: ['Seattle'], bucket: `${day.date}T00:00:00.000Z`, conflict: isFar(day) })),
    );
    const strict = plausible.map(({ bucket, conflict }) => ({ bucket, conflict }));
    expect(strict).toEqual(decided.map(({ bucket, conflict }) => ({ bucket, conflict })));
  });

  test('the record of a day is what was observed', async () => {
    const { body } = await get(server.url, '/feed?stream=seattle&limit=1000');
    expect(body.items.map(({ normalized }: Json) => normalized)).toEqual(
      days.slice(0, 1000).map(({ date, observed: { high, low, precipitation, weather } }) => ({
        ...{ place: 'Seattle', day: date, highC: high / 10, lowC: low / 10 },
        ...{ precipitationMm: Number(precipitation), weather },
      })),
    );
  });

  test('the strict stream certifies what is near normal, and holds the rest back', () => {
    const outcomes = plausible.map(({ rule, outcome }) => ({ rule, outcome }));
    expect(outcomes).toEqual(
      days.map((day) =>
        day.normal === undefined || isFar(day)
          ? { rule: 'no-quorum', outcome: 'quarantined' }
          : { rule: 'quorum', outcome: 'resolved' },
      ),
    );
  });

  test('every tenth record has a proof that verifies, and names both candidates', async () => {
    await anchoredProof(server.url, seattle.at(-1).eventId);
    for (const { eventId, candidates, decisionId } of seattle.filter((_, index) => index % 10 === 0)) {
      const { body } = await get(server.url, `/ingest/events/${eventId}/proof`);
      expect(verifyProof(body, { dev: true })).toMatchObject({ valid: true, level: 'anchored' });
      expect(body.leaf.decision).toBe(decisionId);
      expect(body.leaf.inputs.map(([source, seq]: Json[]) => [source, seq])).toEqual(
        candidates.map(({ sourceId, seq }: Json) => [sourceId, seq]),
      );
    }
  });

  test('the report of conflicts has the same counts', async () => {
    const { code, stdout } = await run(COMMAND, 'conflicts', '--data', dataDir, '--stream', 'seattle', '--json');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      ...{ kind: 'summary', decisions: 1461, conflicts: 97, corrections: 0 },
      outcomes: { resolved: 1461, unresolved: 0, quarantined: 0 },
    });
  });

  test('nothing is wrong with the data directory', async () => {
    expect((await run(COMMAND, 'fsck', '--data', dataDir)).code).toBe(0);
  });
});
