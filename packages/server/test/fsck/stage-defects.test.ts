/** What a defect of fusion or of windows would leave behind, sealed and signed as if all were well. */
import { hash } from 'node:crypto';
import { describe } from 'vitest';
import { makeStaged, stagedEntries } from '../replay/made.ts';
import { type Fault, faultTables } from './fault-table.ts';
import type { Copy } from './made.ts';
import { resealLast, type Sealing } from './resealed.ts';

const { table } = faultTables((dir) => makeStaged(dir, stagedEntries()));

const OTHER_HASH = '5'.repeat(64);

/** Changes the first fused leaf of the last packet. */
const inFused = (from: string | RegExp, to: string) => (copy: Copy) =>
  resealLast(copy, 'fused', (sealing) => {
    const place = sealing.lines.findIndex((line) => line.includes('"kind":"fused"'));
    const line = sealing.lines[place]!;
    const changed = line.replace(from, to);
    if (changed === line) throw new RangeError(`${from} is not in ${line}`);
    sealing.lines = sealing.lines.with(place, changed);
  });

const inManifest =
  (stream: string, change: (content: Record<string, unknown>, sealing: Sealing) => void) => (copy: Copy) =>
    resealLast(copy, stream, (sealing) => change(sealing.manifest.content, sealing));

const later = (time: string) => new Date(Date.parse(time) + 1000).toISOString();
const BOTH: Fault[2][] = ['leaf-mismatch', 'decision-mismatch'];

describe('fused leaves', () => {
  table([
    [
      'another decision',
      inFused(/"decision":"[0-9a-f]+"/, `"decision":"${OTHER_HASH}"`),
      'decision-missing',
      'decision-extra',
    ],
    ['another event id', inFused(/"eventId":"./, '"eventId":"-'.replace('-', 'f')), 'decision-mismatch'],
    ['another time', inFused(/"eventTime":"2026/, '"eventTime":"2025'), 'decision-mismatch'],
    ['the raw hash of an input', inFused(/(,\d+,)"[0-9a-f]{64}"/, `$1"${OTHER_HASH}"`), ...BOTH],
    ['the mapping policy of an input', inFused(/(,\d+,"[0-9a-f]{64}",)"[0-9a-f]{64}"/, `$1"${OTHER_HASH}"`), ...BOTH],
    ['an input too few', inFused(/\],\["[a-z]+",\d+,"[0-9a-f]+","[0-9a-f]+"\]\],/, ']],'), ...BOTH],
    [
      'another fusion policy',
      inFused(
        /\]\],"kind":"fused","payloadHash":"(.*?)","policyHash":"[0-9a-f]+"/,
        `]],"kind":"fused","payloadHash":"$1","policyHash":"${OTHER_HASH}"`,
      ),
      ...BOTH,
    ],
    [
      'another outcome',
      inFused(
        /"payloadHash":"[0-9a-f]+"(.*),"payload":.*\}$/,
        `"payloadHash":"${hash('sha256', '{}', 'hex')}"$1,"payload":{}}`,
      ),
      'decision-mismatch',
    ],
    [
      'a decision replaced that there is not',
      inFused(/("stream":"fused"),"v"/, `$1,"supersedes":"${OTHER_HASH}","v"`),
      ...(['decision-mismatch', 'correction-wrong'] as const),
    ],
  ]);
});

describe('windows', () => {
  table([
    ['no window', inManifest('windows', (content) => delete content.window), 'window-wrong'],
    [
      'a window where there is none',
      inManifest('plain', (content) => {
        content.window = { start: '2026-03-01T12:00:00.000Z', end: '2026-03-01T12:00:01.000Z' };
      }),
      'window-wrong',
    ],
    [
      'a window of another length',
      inManifest('windows', (content) => {
        const { start, end } = content.window as { start: string; end: string };
        content.window = { start: new Date(Date.parse(start) - 1000).toISOString(), end };
      }),
      'window-wrong',
    ],
    [
      'a window between two',
      inManifest('windows', (content, { manifest }) => {
        const { start } = content.window as { start: string };
        const middle = new Date(Date.parse(start) + 500).toISOString();
        content.window = { start: middle, end: later(middle) };
        manifest.provenance.createdAt = later(middle);
      }),
      ...(['window-wrong', 'packet-row-mismatch'] as const),
    ],
    [
      'another time than the end of the window',
      (copy) => {
        inManifest('windows', (_, { manifest }) => {
          manifest.provenance.createdAt = later(manifest.provenance.createdAt);
        })(copy);
        copy.ledger(
          "UPDATE packets SET sealed_at = sealed_at + 1000 WHERE version_id = (SELECT head FROM streams WHERE stream = 'windows')",
        );
      },
      'window-wrong',
    ],
    [
      'a window that is over before its events',
      (copy) => {
        inManifest('windows', (content, { manifest }) => {
          const { start } = content.window as { start: string };
          content.window = { start: new Date(Date.parse(start) - 1000).toISOString(), end: start };
          manifest.provenance.createdAt = start;
        })(copy);
        copy.ledger(
          "UPDATE packets SET sealed_at = sealed_at - 1000 WHERE version_id = (SELECT head FROM streams WHERE stream = 'windows')",
        );
      },
      'window-wrong',
    ],
  ]);
});

describe('how far a log reaches', () => {
  table([
    [
      'further than its leaves do',
      inManifest('fused', (content) => {
        const log = content.log as { through: Record<string, number> };
        log.through.six!++;
      }),
      'through-mismatch',
    ],
    [
      'not as far',
      inManifest('windows', (content) => {
        const log = content.log as { through: Record<string, number> };
        log.through.two!--;
      }),
      'through-mismatch',
    ],
  ]);
});
