/** What operators' words leave behind, damaged. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fsck, type ViolationCode } from '../../src/fsck/index.ts';
import { Directories } from '../support/directories.ts';
import { start } from '../support/server-process.ts';
import { Copy, until } from './made.ts';
import { resealLast } from './resealed.ts';

const directories = new Directories();
const original = directories.next();
afterAll(() => directories.remove());

const SETTINGS = (max: number) => ({
  ANCHOR: 'none',
  INGEST_SOURCES_JSON: JSON.stringify([{ id: 'well', policy: { constraints: { bounds: { level: { max } } } } }]),
  STREAMS_JSON: JSON.stringify([{ id: 'well', publish: { mode: 'live', maxAgeMs: 20 } }]),
});

/** Six events; of the three in quarantine, the first is released, and then the second discarded. */
beforeAll(async () => {
  const first = await start(original, SETTINGS(9));
  const events = [1, 10, 2, 11, 3, 12].map((level, id) => ({ id, level }));
  const ids = ((await post(first.url, '/ingest/events', { sourceId: 'well', events })) as { inserted: string[] })
    .inserted;
  await settle(first.url);
  await first.stop();
  const second = await start(original, SETTINGS(10));
  const token = readFileSync(second.adminTokenFile, 'utf8').trim();
  for (const [id, action] of [
    [ids[1], 'release'],
    [ids[3], 'discard'],
  ]) {
    await post(second.url, `/ingest/events/${id}/${action}`, { reason: 'a test' }, token);
    await settle(second.url);
  }
  await second.stop();
});

async function post(url: string, path: string, body: object, token = ''): Promise<unknown> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (answer.status !== 200) throw new RangeError(`answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

function settle(url: string): Promise<void> {
  return until(async () => ((await (await fetch(`${url}/health`)).json()) as { backlog: number }).backlog === 0);
}

const inLast =
  (from: string | RegExp, to: string) =>
  (copy: Copy): void =>
    resealLast(copy, 'well', (sealing) => {
      const [line = ''] = sealing.lines;
      const changed = line.replace(from, to);
      if (changed === line) throw new RangeError(`${from} is not in ${line}`);
      sealing.lines = [changed];
    });

type Row = [name: string, damage: (copy: Copy) => void, ...codes: ViolationCode[]];

const ROWS: Row[] = [
  ['nothing at all', () => undefined],
  [
    'a word is about a later event',
    (copy) => copy.journal("UPDATE resolutions SET position = entry + 1 WHERE action = 'discard'"),
    ...(['resolution-wrong', 'move-wrong', 'leaf-mismatch', 'stream-row-wrong'] as const),
  ],
  [
    'a word is gone',
    (copy) => copy.journal("DELETE FROM resolutions WHERE action = 'discard'"),
    ...(['resolution-wrong', 'move-wrong', 'leaf-mismatch', 'stream-row-wrong'] as const),
  ],
  [
    'a word is no word',
    (copy) => copy.journal("UPDATE resolutions SET action = 'forget' WHERE action = 'discard'"),
    'resolution-wrong',
  ],
  [
    'a discard is said to be a release',
    (copy) => copy.journal("UPDATE resolutions SET action = 'release' WHERE action = 'discard'"),
    'leaf-mismatch',
  ],
  [
    'a release is said to be a discard',
    (copy) => copy.journal("UPDATE resolutions SET action = 'discard' WHERE action = 'release'"),
    'leaf-mismatch',
  ],
  [
    'the reason is another',
    (copy) => copy.journal("UPDATE resolutions SET reason = 'none' WHERE action = 'discard'"),
    'leaf-mismatch',
  ],
  [
    'a word has no entry',
    (copy) =>
      copy.journal(
        'INSERT INTO resolutions SELECT position + 4, 999, action, "by", reason FROM resolutions WHERE action = \'release\'',
      ),
    'resolution-wrong',
  ],
  [
    'a discarded event has no other leaf',
    (copy) => copy.ledger('DELETE FROM moves WHERE leaf = (SELECT max(leaf) FROM moves)'),
    ...(['resolution-wrong', 'leaf-without-event', 'leaf-mismatch', 'stream-row-wrong'] as const),
  ],
  [
    'a control leaf is of another action',
    inLast('quarantine-discarded', 'erased'),
    'leaf-mismatch',
    'control-signature-invalid',
  ],
  [
    'a control leaf is signed by nobody',
    inLast(/"signature":"....../, '"signature":"AAAAAA'),
    'control-signature-invalid',
  ],
];

it.each(ROWS.map(([name, damage, ...codes]) => ({ name, damage, codes })))('$name', ({ damage, codes }) => {
  const copy = new Copy(original, directories);
  damage(copy);
  const { violations } = fsck(copy.dir);
  const found = [...new Set(violations.map(({ code }) => code))].sort();
  expect(found, JSON.stringify(violations, null, 1)).toEqual([...codes].sort());
});
