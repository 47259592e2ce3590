/** What a defect of the server itself would leave behind, sealed and signed as if all were well. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fsck, type ViolationCode } from '../../src/fsck/index.ts';
import { Directories } from '../support/directories.ts';
import { Copy, makeDirectory } from './made.ts';
import { resealLast, type Sealing } from './resealed.ts';

const directories = new Directories();
const original = directories.next();

beforeAll(() => makeDirectory(original));
afterAll(() => directories.remove());

const replaceInLine = (from: string | RegExp, to: string) => (sealing: Sealing) => {
  const [line, ...others] = sealing.lines;
  const changed = line!.replace(from, to);
  if (changed === line) throw new RangeError(`${from} is not in ${line}`);
  sealing.lines = [changed, ...others];
};
const OTHER_HASH = '5'.repeat(64);

type Row = [defect: string, change: (sealing: Sealing) => void, ...codes: ViolationCode[]];

const ROWS: Row[] = [
  ['nothing at all', () => undefined],
  ['a space in a line', replaceInLine('{"leaf":{', '{"leaf": {'), 'line-not-canonical'],
  [
    'members out of order',
    replaceInLine(/\{"leaf":(.*),"payload":(.*)\}$/, '{"payload":$2,"leaf":$1}'),
    'line-not-canonical',
  ],
  ['a member too many in the leaf', replaceInLine('"v":1', '"v":1,"w":2'), 'leaf-malformed'],
  ['a line that is no JSON', replaceInLine('{"leaf"', '{leaf'), 'leaf-malformed'],
  ['another event id', replaceInLine(/"eventId":"./, '"eventId":"0'), 'leaf-mismatch'],
  ['another raw hash', replaceInLine(/"rawHash":"[0-9a-f]+"/, `"rawHash":"${OTHER_HASH}"`), 'leaf-mismatch'],
  ['another policy', replaceInLine(/"policyHash":"[0-9a-f]+"/, `"policyHash":"${OTHER_HASH}"`), 'leaf-mismatch'],
  ['another seq', replaceInLine('"seq":2', '"seq":3'), 'leaf-mismatch'],
  ['another stream', replaceInLine('"stream":"water"', '"stream":"plant"'), 'leaf-mismatch'],
  ['a superseded event', replaceInLine(',"v":1', ',"supersedes":["river",1],"v":1'), 'leaf-mismatch'],
  ['another payload', replaceInLine('"level":0.375', '"level":0.25'), 'payload-hash-mismatch'],
  ['no payload', replaceInLine(/,"payload".*/, '}'), 'payload-hash-mismatch'],
  ['an empty line too many', (sealing) => sealing.lines.push(''), 'line-count-wrong', 'offsets-wrong'],
  ['another root', ({ manifest }) => Object.assign(manifest.content.log, { root: OTHER_HASH }), 'root-mismatch'],
  [
    'another through',
    ({ manifest }) => Object.assign(manifest.content.log, { through: { river: 2 } }),
    'through-mismatch',
  ],
  [
    'another configuration',
    ({ manifest }) => Object.assign(manifest.content.log, { config: OTHER_HASH }),
    'config-mismatch',
  ],
  ['no parents', ({ manifest }) => Object.assign(manifest, { lineage: { parents: [] } }), 'parent-mismatch'],
];

it.each(ROWS.map(([defect, change, ...codes]) => ({ defect, change, codes })))('$defect', ({ change, codes }) => {
  const copy = new Copy(original, directories);
  resealLast(copy, 'water', change);
  const { violations } = fsck(copy.dir);
  const found = [...new Set(violations.map(({ code }) => code))].sort();
  expect(found, JSON.stringify(violations, null, 1)).toEqual([...codes].sort());
});
