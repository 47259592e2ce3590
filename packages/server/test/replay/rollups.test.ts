import { afterAll, beforeAll, expect, test } from 'vitest';
import { replay } from '../../src/replay/index.ts';
import { Copy } from '../fsck/made.ts';
import { Directories } from '../support/directories.ts';
import { Works } from '../support/passage.ts';
import { makeRolledUp } from '../support/rolled-up.ts';

const directories = new Directories();
const original = directories.next();
beforeAll(() => makeRolledUp(original));
afterAll(() => directories.remove());

const FIRST = '(SELECT min(id) FROM rollups)';
const inFirst = (set: string) => (copy: Copy) => copy.ledger(`UPDATE rollups SET ${set} WHERE id = ${FIRST}`);

async function makeDue(dir: string): Promise<void> {
  const works = new Works(dir);
  await works.rollUp();
  works.close();
}

test('rollups that follow from the journal, and one that has not been made yet', async () => {
  const report = await replay(original);
  expect(report.streams).toMatchObject([{ stream: 'hall', packets: 6, difference: undefined }]);
  const copy = new Copy(original, directories);
  await makeDue(copy.dir);
  expect((await replay(copy.dir)).equal).toBe(true);
});

test.each<[name: string, change: (copy: Copy) => void | Promise<void>, difference: object]>([
  [
    'one is gone',
    (copy) => copy.ledger(`DELETE FROM rollups WHERE id = ${FIRST}`),
    { kind: 'missing', stage: 'order', packet: { start: 0, end: 3 }, what: 'no such rollup' },
  ],
  [
    'one covers less',
    inFirst('"end" = 2'),
    { kind: 'differs', stage: 'order', packet: { start: 0, end: 2 }, what: /leaves: \[0,3\) are due$/ },
  ],
  ['one is of another window', inFirst('window_end = window_end + 1'), { kind: 'differs', stage: 'order' }],
  [
    'one has another versionId',
    inFirst(`version_id = '${'5'.repeat(64)}'`),
    {
      kind: 'differs',
      stage: 'certify',
      packet: { versionId: '5'.repeat(64) },
      what: /^it is the rollup [0-9a-f]{64}$/,
    },
  ],
  [
    'there is one too many',
    async (copy) => {
      await makeDue(copy.dir);
      copy.ledger(
        `INSERT INTO rollups SELECT NULL, '${'6'.repeat(64)}', stream, 6, 7, window_start, window_end, content_hash,
          manifest, sealed_at, NULL FROM rollups WHERE id = ${FIRST}`,
      );
    },
    { kind: 'extra', stage: 'order', packet: { start: 6, end: 7 } },
  ],
])('%s', async (_, change, { what, ...difference }: { what?: unknown }) => {
  const copy = new Copy(original, directories);
  await change(copy);
  const { equal, streams } = await replay(copy.dir);
  expect(equal).toBe(false);
  expect(streams[0]?.difference).toMatchObject(difference);
  if (what !== undefined) expect(streams[0]?.difference?.what).toMatch(what as string | RegExp);
});
