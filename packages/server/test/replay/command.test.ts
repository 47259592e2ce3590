/** The command, as a process of its own, over what a real server has left behind or is writing to. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replay as replayHere } from '../../src/replay/index.ts';
import { Copy, until } from '../fsck/made.ts';
import { Directories } from '../support/directories.ts';
import { type ServerProcess, start } from '../support/server-process.ts';
import { makeErased } from './made.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');
const SETTINGS = {
  ANCHOR: 'none',
  INGEST_SOURCES_JSON: JSON.stringify([
    { id: 'plant', policy: { required: ['temp'] } },
    { id: 'well', stream: 'water' },
    { id: 'river', stream: 'water' },
  ]),
  STREAMS_JSON: JSON.stringify([
    { id: 'plant', publish: { mode: 'live', maxEvents: 50, maxAgeMs: 20 } },
    {
      id: 'water',
      order: { bufferMs: 50, idleMs: 200 },
      fusion: { strategy: 'latest', key: ['place'], bucketMs: 100 },
    },
  ]),
};

const directories = new Directories();
const dir = directories.next();
let server: ServerProcess | undefined;
afterAll(async () => {
  await server?.stop();
  directories.remove();
});

/** 200 events in `plant`, and one thing in `water` that two sources have said. */
beforeAll(async () => {
  server = await start(dir, SETTINGS);
  const readings = Array.from({ length: 200 }, (_, n) => ({ id: n, temp: n % 9 === 0 ? undefined : n }));
  await send('plant', readings);
  const ts = new Date().toISOString();
  await send('well', [{ id: 1, ts, place: 'x', level: 1 }]);
  await send('river', [{ id: 1, ts, place: 'x', level: 2 }]);
  await until(async () => replay('--data', dir, '--json').report.leaves === 203);
});

async function send(sourceId: string, events: object[]): Promise<void> {
  const answer = await fetch(`${server?.url}/ingest/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sourceId, events }),
  });
  expect(answer.status).toBe(200);
}

function replay(...args: string[]) {
  const ran = spawnSync(process.execPath, [COMMAND, 'replay', ...args], { encoding: 'utf8' });
  return { ...ran, report: ran.stdout.startsWith('{') ? JSON.parse(ran.stdout) : {} };
}

describe('tidemark replay', () => {
  test('exits with 0 where all is equal, beside a server that is at work', () => {
    const { status, stdout } = replay('--data', dir);
    expect(stdout).toMatch(
      /^equal {4}default: 0 packets, 0 leaves\nequal {4}plant: \d+ packets, 201 leaves\nequal {4}spool: 0 packets, 0 leaves\nequal {4}water: 1 packets, 2 leaves\ncompared \d+ packets with 203 leaves in 4 streams\nderived 202 events anew in \d+\.\d s, \d+ a second\nequal\n$/,
    );
    expect(status).toBe(0);
  });

  test('prints JSON', () => {
    const { status, report } = replay('--data', dir, '--json', '--stream', 'water');
    expect(status).toBe(0);
    expect(report).toEqual({
      ...{ equal: true, events: 2, onTrust: 0, packets: 1, leaves: 2, seconds: expect.any(Number) },
      eventsPerSecond: expect.any(Number),
      streams: [{ stream: 'water', packets: 1, leaves: 2, pending: 0 }],
    });
  });

  test('says that what comes before a range was derived too', () => {
    const { status, stdout } = replay('--data', dir, '--stream', 'plant', '--from', '60', '--to', '80');
    expect(stdout).toMatch(/\nwhat comes before the range was derived too, and not compared\nequal\n$/);
    expect(status).toBe(0);
  });

  test('exits with 1 and names packet, leaf, event and stage', () => {
    const copy = new Copy(dir, directories);
    const [row] = copy.rows(
      'journal.db',
      "SELECT first, config FROM entries WHERE kind = 'config' AND stream = 'plant'",
    );
    copy.journal(
      'UPDATE entries SET config = ? WHERE first = ?',
      String(row?.config).replace('"required":["temp"]', '"required":["tamp"]'),
      Number(row?.first),
    );
    const { version_id: id, end } = copy.find('SELECT version_id, "end" FROM packets WHERE stream = \'plant\'');
    const { headers, first } = copy.rows('journal.db', "SELECT first, headers FROM entries WHERE source = 'plant'")[0]!;
    const eventId = Buffer.from(headers as Uint8Array).toString('hex', 0, 16);
    const { status, stdout } = replay('--data', copy.dir);
    expect(stdout.replace(/derived 202 events anew .*/, 'derived')).toBe(
      [
        'equal    default: 0 packets, 0 leaves',
        'DIFFERS  plant: 0 packets, 0 leaves',
        'equal    spool: 0 packets, 0 leaves',
        'equal    water: 1 packets, 2 leaves',
        `DIFFERENCE  plant packet [0,${end}) ${id}`,
        '  stage    normalize: policyHash of the leaf',
        '  leaf     1',
        `  event    seq 1 of plant, id ${eventId}, journal position ${first}`,
        'compared 1 packets with 2 leaves in 4 streams',
        'derived',
        '1 streams differ',
        '',
      ].join('\n'),
    );
    expect(status).toBe(1);
  });

  test.each([
    ['no --data', [], /required option/],
    ['no directory', ['--data', join(dir, 'nowhere')], /is no directory/],
    ['no data directory', ['--data', import.meta.dirname], /holds no journal/],
    ['an unknown stream', ['--data', dir, '--stream', 'nowhere'], /there is no stream nowhere/],
    ['a bound that is none', ['--data', dir, '--from', 'noon'], /neither the number of a leaf nor an RFC 3339 time/],
    ['an unknown option', ['--data', dir, '--repair'], /unknown option/],
  ])('exits with 2 for %s', (_, args, message) => {
    const { status, stdout, stderr } = replay(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('finds nothing while a server writes', async () => {
    const stop = new AbortController();
    const sending = (async () => {
      for (let n = 1000; !stop.signal.aborted; n += 20) {
        await send(
          'plant',
          Array.from({ length: 20 }, (_, place) => ({ id: n + place, temp: n })),
        );
      }
    })();
    try {
      for (let round = 0; round < 5; round++) {
        expect((await replayHere(dir)).streams.flatMap(({ difference }) => difference ?? [])).toEqual([]);
      }
    } finally {
      stop.abort();
      await sending;
    }
  });
});

test('says of how many erased events it takes something on trust', async () => {
  const erased = directories.next();
  await makeErased(erased);
  const { status, stdout } = replay('--data', erased);
  expect(stdout).toContain('\n2 of these are erased: what they said was taken from their leaves, on trust\nequal\n');
  expect(status).toBe(0);
});
