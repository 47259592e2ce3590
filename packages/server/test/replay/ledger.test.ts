import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { replay } from '../../src/replay/index.ts';
import { Copy } from '../fsck/made.ts';
import { aboutOf, differenceTables, type Expected, eventAt, find, leafOf, packetsOf, replaced } from './differences.ts';
import { makeResolved } from './made.ts';

const { directories, original, table } = differenceTables();

describe('what the ledger keeps beside the leaves', () => {
  table([
    [
      'an audit entry',
      'fused',
      (copy) => {
        const { leaf, about } = find(copy, 'fused', 'fused');
        copy.ledger(
          "UPDATE decisions SET audit = replace(audit, '\"v\":1', '\"v\":2') WHERE stream = 'fused' AND leaf = ?",
          leaf,
        );
        return { stage: 'fuse', what: /^the stored audit entry$/, leaf, about };
      },
    ],
    [
      'an audit entry too many',
      'plain',
      (copy) => {
        const { leaf, about } = find(copy, 'plain', 'record');
        copy.ledger("INSERT INTO decisions VALUES (NULL, 'none', 'plain', ?, 'none', 0, '{}')", leaf);
        return { stage: 'fuse', what: /^an audit entry of no decision$/, leaf, about };
      },
    ],
    [
      'that the sources did not agree',
      'fused',
      (copy) => {
        const { leaf, about } = find(copy, 'fused', 'fused');
        copy.ledger("UPDATE decisions SET conflict = 1 - conflict WHERE stream = 'fused' AND leaf = ?", leaf);
        return { stage: 'fuse', what: /^the stored audit entry$/, leaf, about };
      },
    ],
    [
      'reasons of the policy',
      'plain',
      (copy) => {
        const { leaf, about } = find(copy, 'plain', 'quarantined');
        copy.ledger("UPDATE quarantine SET reasons = '[]' WHERE stream = 'plain' AND leaf = ?", leaf);
        return { stage: 'normalize', what: /^the stored reasons$/, leaf, about };
      },
    ],
    [
      'what was noticed',
      'windows',
      (copy) => {
        const row = copy.find("SELECT leaf, position FROM notes WHERE stream = 'windows' ORDER BY leaf");
        copy.ledger(
          "UPDATE notes SET notes = '[]' WHERE leaf = ? AND position = ?",
          Number(row.leaf),
          Number(row.position),
        );
        const packet = packetsOf(copy, 'windows').find(({ end }) => end > Number(row.leaf))!;
        const about = aboutOf(leafOf(packet.lines[Number(row.leaf) - packet.start]!));
        return { stage: 'order', what: /^the stored notes$/, leaf: Number(row.leaf), about };
      },
    ],
  ]);
});

describe('packets', () => {
  const missing =
    (which: string) =>
    (copy: Copy): Expected => {
      const row = copy.find(`SELECT start, version_id FROM packets WHERE stream = 'windows' ORDER BY ${which}`);
      const packet = packetsOf(copy, 'windows').find(({ start }) => start === row.start)!;
      copy.ledger('DELETE FROM packets WHERE version_id = ?', String(row.version_id));
      const first = copy.find(
        "SELECT min(first) AS first FROM placements WHERE stream = 'windows' AND leaf = ?",
        packet.start || 1,
      );
      const about = aboutOf(leafOf(packet.lines[packet.start === 0 ? 1 : 0]!));
      expect(eventAt(about)?.position).toBe(first.first);
      return { kind: 'missing', stage: 'certify', what: /the ledger has none$/, leaf: undefined, about };
    };
  table([
    ['one that is gone', 'windows', missing('start LIMIT 1 OFFSET 2')],
    ['the first, gone', 'windows', missing('start')],
    ['the last, gone', 'windows', missing('start DESC')],
    [
      'one too many',
      'rising',
      (copy) => {
        const { lines, end } = packetsOf(copy, 'rising').at(-1)!;
        copy.ledger(
          `INSERT INTO packets SELECT 'extra', stream, "end", "end" + 2, content_hash, manifest, checkpoint, offsets, sealed_at
         FROM packets WHERE stream = 'rising' AND "end" = ?`,
          end,
        );
        return {
          kind: 'extra',
          stage: 'certify',
          what: /the journal gives none$/,
          leaf: undefined,
          about: aboutOf(leafOf(lines[0]!)),
        };
      },
    ],
  ]);
});

test('a signature that the log key did not make', async () => {
  const dir = directories.next();
  await makeResolved(dir);
  const copy = new Copy(dir, directories);
  const last = packetsOf(copy, 'beta').at(-1)!;
  writeFileSync(last.path, replaced(last.lines.join('\n'), /"signature":"...../, '"signature":"AAAAA'));
  const { streams } = await replay(copy.dir);
  expect(streams[0]?.difference).toMatchObject({
    ...{ stage: 'certify', what: expect.stringMatching(/^the control leaf/), leaf: 7 },
    event: { source: 'three', seq: 3, position: 4 },
  });
});

test('what differs outside the range is not looked at, and what comes of it is', async () => {
  const copy = new Copy(original, directories);
  const [first, second] = packetsOf(copy, 'plain');
  writeFileSync(first!.path, replaced(first!.lines.join('\n'), '"v":', '"w":'));
  expect(await replay(copy.dir, { stream: 'plain' })).toMatchObject({ equal: false });
  expect(await replay(copy.dir, { stream: 'plain', from: `${second!.start}` })).toMatchObject({ equal: true });
});
