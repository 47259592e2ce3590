import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalChain } from '../../src/anchor/local-chain.ts';
import { fsck, type ViolationCode } from '../../src/fsck/index.ts';
import { Directories } from '../support/directories.ts';
import { IDENTITY } from '../support/node.ts';
import { anchorHeads, Copy, makeDirectory } from './made.ts';

const directories = new Directories();
const original = directories.next();

beforeAll(async () => {
  await makeDirectory(original);
  await anchorHeads(original);
});
afterAll(() => directories.remove());

type Row = [fault: string, damage: (copy: Copy) => void | Promise<void>, ...codes: ViolationCode[]];

/** Each fault alone, and all that it must be called. */
function table(rows: Row[]): void {
  it.each(rows.map(([fault, damage, ...codes]) => ({ fault, damage, codes })))('$fault', async ({ damage, codes }) => {
    const copy = new Copy(original, directories);
    await damage(copy);
    const { violations } = fsck(copy.dir);
    expect([...new Set(violations.map(({ code }) => code))].sort(), JSON.stringify(violations, null, 1)).toEqual(
      [...codes].sort(),
    );
  });
}

/** SQL for a blob with the byte at `at` (from 1) changed. */
function flipped(column: string, at: number): string {
  return `CAST(substr(${column}, 1, ${at - 1}) || CASE substr(${column}, ${at}, 1) WHEN x'41' THEN x'42' ELSE x'41' END
    || substr(${column}, ${at + 1}) AS BLOB)`;
}

/** The second delivery to `plant`: not the first entry of the stream, and not the last. */
const SECOND = "(SELECT first FROM entries WHERE source = 'plant' ORDER BY first LIMIT 1 OFFSET 1)";
/** The third, which begins with a revision of p7. */
const THIRD = "(SELECT max(first) FROM entries WHERE source = 'plant')";
const FIRST_PACKET = `(SELECT version_id FROM packets WHERE stream = 'plant' AND start = 0)`;
const SECOND_PACKET = `(SELECT version_id FROM packets WHERE stream = 'plant' AND start > 0 ORDER BY start LIMIT 1)`;

describe('the journal', () => {
  table([
    [
      'an entry is gone',
      (copy) => copy.journal(`DELETE FROM entries WHERE first = ${SECOND}`),
      ...(['journal-not-contiguous', 'seq-not-contiguous', 'leaf-without-event', 'supersedes-wrong'] as const),
    ],
    [
      'the bytes of an event are changed',
      (copy) => copy.journal(`UPDATE entries SET raw = ${flipped('raw', 12)} WHERE first = ${SECOND}`),
      'raw-hash-mismatch',
    ],
    [
      'the hash of an event is changed',
      (copy) => copy.journal(`UPDATE entries SET headers = ${flipped('headers', 20)} WHERE first = ${SECOND}`),
      ...(['raw-hash-mismatch', 'leaf-mismatch'] as const),
    ],
    [
      'the id of an event is changed',
      (copy) => copy.journal(`UPDATE entries SET headers = ${flipped('headers', 121)} WHERE first = ${SECOND}`),
      ...(['event-id-mismatch', 'leaf-mismatch'] as const),
    ],
    [
      'a revision names another event',
      (copy) => copy.journal(`UPDATE entries SET headers = ${flipped('headers', 60)} WHERE first = ${THIRD}`),
      ...(['supersedes-wrong', 'leaf-mismatch'] as const),
    ],
    [
      'a revision names nothing',
      (copy) =>
        copy.journal(
          `UPDATE entries SET headers = CAST(substr(headers, 1, 52) || zeroblob(8) || substr(headers, 61) AS BLOB)
           WHERE first = ${THIRD}`,
        ),
      ...(['revision-unmarked', 'leaf-mismatch'] as const),
    ],
    ['an event is journaled twice', journalAgain, 'journaled-twice'],
    [
      'the headers are cut short',
      (copy) => copy.journal(`UPDATE entries SET headers = substr(headers, 1, 90) WHERE first = ${SECOND}`),
      'journal-entry-malformed',
    ],
    [
      'an entry is of an unknown kind',
      (copy) => copy.journal("UPDATE entries SET kind = 'noise' WHERE kind = 'cut' AND stream = 'water'"),
      ...(['journal-entry-malformed', 'stream-tail-wrong'] as const),
    ],
    [
      'the last number of a source is wrong',
      (copy) => copy.journal("UPDATE sources SET seq = seq - 1 WHERE source = 'plant'"),
      'sources-row-wrong',
    ],
    [
      'a waiting cut would be missed',
      (copy) => copy.journal("UPDATE stream_tails SET last_cut = last_cut + 1 WHERE stream = 'water'"),
      'stream-tail-wrong',
    ],
    [
      'a configuration is changed',
      (copy) =>
        copy.journal(
          "UPDATE entries SET config = replace(config, 'proprietary', 'none') WHERE kind = 'config' AND stream = 'plant'",
        ),
      ...(['stream-tail-wrong', 'config-mismatch', 'stream-row-wrong'] as const),
    ],
    [
      'a configuration is unreadable',
      (copy) =>
        copy.journal("UPDATE entries SET config = substr(config, 2) WHERE kind = 'config' AND stream = 'water'"),
      ...(['journal-entry-malformed', 'stream-tail-wrong', 'config-missing', 'stream-row-wrong'] as const),
    ],
  ]);
});

/** The last delivery once more, numbered as the next one. */
function journalAgain(copy: Copy): void {
  const last = "(SELECT max(first) FROM entries WHERE source = 'river')";
  copy.journal(
    `INSERT INTO entries SELECT (SELECT max(first + count) FROM entries), count, kind, stream, at, source, seq + count,
       config, headers, raw FROM entries WHERE first = ${last}`,
  );
  copy.journal("UPDATE sources SET seq = seq + 1 WHERE source = 'river'");
  copy.journal(`UPDATE stream_tails SET last_events = ${last} WHERE stream = 'water'`);
}

describe('placements and cursors', () => {
  const longest = '(SELECT first FROM placements ORDER BY count DESC LIMIT 1)';
  table([
    [
      'a placement is gone',
      (copy) => copy.ledger(`DELETE FROM placements WHERE first = ${longest}`),
      ...(['event-without-leaf', 'leaf-without-event'] as const),
    ],
    [
      'an event has two leaves',
      (copy) => {
        const { first, leaf } = copy.find('SELECT first, leaf FROM placements ORDER BY count DESC');
        copy.ledger("INSERT INTO placements VALUES (?, 1, 'plant', ?)", Number(first) + 1, Number(leaf) + 1);
      },
      ...(['certified-twice', 'leaf-of-two-events'] as const),
    ],
    [
      'an event is placed beyond the log',
      (copy) => copy.ledger(`UPDATE placements SET leaf = 5000 WHERE first = (SELECT max(first) FROM placements)`),
      ...(['event-without-leaf', 'leaf-without-event'] as const),
    ],
    [
      'a control entry is placed',
      (copy) => {
        const [cut] = copy.rows('journal.db', "SELECT first FROM entries WHERE kind = 'cut' AND stream = 'plant'");
        copy.ledger("INSERT INTO placements VALUES (?, 1, 'plant', 2)", Number(cut?.first));
      },
      ...(['leaf-without-event', 'leaf-of-two-events', 'order-wrong'] as const),
    ],
    [
      'an event is placed in another stream',
      (copy) => {
        const { first } = copy.find("SELECT max(first) AS first FROM placements WHERE stream = 'water'");
        copy.ledger("UPDATE placements SET stream = 'plant', leaf = 700 WHERE first = ?", Number(first));
      },
      ...(['placed-in-wrong-stream', 'leaf-without-event', 'event-without-leaf', 'stream-row-wrong'] as const),
    ],
    [
      'two placements are exchanged',
      (copy) => {
        const [one, other] = copy.rows(
          'ledger.db',
          "SELECT first, leaf FROM placements WHERE stream = 'water' ORDER BY leaf",
        );
        copy.ledger('UPDATE placements SET leaf = ? WHERE first = ?', Number(other?.leaf), Number(one?.first));
        copy.ledger('UPDATE placements SET leaf = ? WHERE first = ?', Number(one?.leaf), Number(other?.first));
      },
      ...(['order-wrong', 'leaf-mismatch', 'through-mismatch'] as const),
    ],
    [
      'the cursor is beyond the journal',
      (copy) => copy.ledger('UPDATE cursor SET position = position + 1'),
      'cursor-wrong',
    ],
    [
      'a stream skips what comes next',
      (copy) => copy.ledger("UPDATE streams SET consumed = consumed + 1 WHERE stream = 'water'"),
      'stream-row-wrong',
    ],
    [
      'a stream would certify its last event again',
      (copy) => copy.ledger("UPDATE streams SET consumed = consumed - 1 WHERE stream = 'water'"),
      'stream-row-wrong',
    ],
    ...(['size', 'head', 'through', 'config'] as const).map((column): Row => {
      const other = "(SELECT other.$ FROM streams other WHERE other.stream = 'water')".replace('$', column);
      return [
        `the ${column} of a stream is that of another`,
        (copy) => copy.ledger(`UPDATE streams SET ${column} = ${other} WHERE stream = 'plant'`),
        'stream-row-wrong',
      ];
    }),
    [
      'the row of a stream is gone',
      (copy) => copy.ledger("DELETE FROM streams WHERE stream = 'water'"),
      'stream-row-wrong',
    ],
  ]);
});

describe('packets', () => {
  const inFirst = (set: string) => (copy: Copy) =>
    copy.ledger(`UPDATE packets SET ${set} WHERE version_id = ${FIRST_PACKET}`);
  table([
    ['a byte of a content is changed', (copy) => copy.flip(copy.contentPath('plant'), 1000), 'content-hash-mismatch'],
    ['a content is empty', (copy) => writeFileSync(copy.contentPath('plant'), ''), 'content-hash-mismatch'],
    ['a content is gone', (copy) => rmSync(copy.contentPath('plant')), 'content-missing'],
    [
      'a packet is gone',
      (copy) => copy.ledger(`DELETE FROM packets WHERE version_id = ${SECOND_PACKET}`),
      ...(['packet-gap', 'parent-mismatch', 'ledger-entry-mismatch'] as const),
    ],
    [
      'a manifest is changed',
      inFirst(`manifest = replace(manifest, '"datasetId":"plant"', '"datasetId":"plant2"')`),
      ...(['version-id-mismatch', 'config-mismatch'] as const),
    ],
    ['a manifest is no JSON', inFirst('manifest = substr(manifest, 2)'), 'manifest-malformed'],
    [
      'a manifest has the signature of another',
      (copy) => {
        const [one, other] = copy
          .rows('ledger.db', "SELECT manifest FROM packets WHERE stream = 'plant' ORDER BY start")
          .map(({ manifest }) => JSON.parse(String(manifest)));
        copy.ledger(
          `UPDATE packets SET manifest = ? WHERE version_id = ${FIRST_PACKET}`,
          JSON.stringify({ ...one, signatures: other.signatures }),
        );
      },
      'manifest-signature-invalid',
    ],
    [
      'a manifest is not signed',
      inFirst(`manifest = json_remove(manifest, '$.signatures')`),
      'manifest-signature-invalid',
    ],
    ['a time of sealing is changed', inFirst('sealed_at = sealed_at + 1'), 'packet-row-mismatch'],
    ['the offsets are changed', inFirst(`offsets = ${flipped('offsets', 9)}`), 'offsets-wrong'],
    ['the offsets are too few', inFirst('offsets = substr(offsets, 1, 400)'), 'offsets-wrong'],
    [
      'a checkpoint is that of another packet',
      inFirst(`checkpoint = (SELECT other.checkpoint FROM packets other WHERE other.version_id = ${SECOND_PACKET})`),
      'checkpoint-mismatch',
    ],
    [
      'a checkpoint is signed by nobody',
      (copy) => {
        const checkpoints = copy.rows(
          'ledger.db',
          "SELECT checkpoint FROM packets WHERE stream = 'plant' ORDER BY start",
        );
        const [own, other] = checkpoints.map(({ checkpoint }) => String(checkpoint).split('\n\n'));
        copy.ledger(
          `UPDATE packets SET checkpoint = ? WHERE version_id = ${FIRST_PACKET}`,
          `${own?.[0]}\n\n${other?.[1]}`,
        );
      },
      'checkpoint-signature-invalid',
    ],
    ['a checkpoint is no note', inFirst("checkpoint = 'none'"), 'checkpoint-mismatch'],
    ...(
      [
        ['a full tile', 'level = 0 AND idx = 0'],
        ['an unfinished tile', 'level = 0 AND idx = 2'],
        ['a tile of the upper level', 'level = 1 AND idx = 0'],
      ] as const
    ).flatMap(([name, which]): Row[] => [
      [
        `${name} is changed`,
        (copy) => copy.ledger(`UPDATE tiles SET hashes = ${flipped('hashes', 5)} WHERE stream = 'plant' AND ${which}`),
        'tile-mismatch',
      ],
      [
        `${name} is gone`,
        (copy) => copy.ledger(`DELETE FROM tiles WHERE stream = 'plant' AND ${which}`),
        'tile-missing',
      ],
    ]),
    [
      'a tile is of no use',
      (copy) => copy.ledger("INSERT INTO tiles VALUES ('plant', 0, 3, zeroblob(32))"),
      'tile-extra',
    ],
    [
      'content and tile are gone',
      (copy) => {
        rmSync(copy.contentPath('plant'));
        copy.ledger("DELETE FROM tiles WHERE stream = 'plant' AND level = 0 AND idx = 0");
      },
      'content-missing',
    ],
    ['reasons are changed', (copy) => copy.ledger(`UPDATE quarantine SET reasons = '["late"]'`), 'reasons-mismatch'],
    [
      'reasons are gone',
      (copy) => copy.ledger('DELETE FROM quarantine WHERE position = (SELECT max(position) FROM quarantine)'),
      'reasons-mismatch',
    ],
    [
      'reasons are of no use',
      (copy) => copy.ledger("INSERT INTO quarantine VALUES (5, 'plant', 3, '[]')"),
      'quarantine-extra',
    ],
    ['a policy is changed', (copy) => copy.ledger("UPDATE policies SET policy = policy || ' '"), 'policy-mismatch'],
    ['the policies are gone', (copy) => copy.ledger('DELETE FROM policies'), 'policy-mismatch'],
  ]);
});

describe('the order of the ledger, anchors and chain', () => {
  table([
    [
      'an entry is gone',
      (copy) => copy.ledger(`DELETE FROM entries WHERE kind = 'packet' AND version_id = ${SECOND_PACKET}`),
      ...(['ledger-not-contiguous', 'ledger-entry-missing', 'ledger-entry-mismatch'] as const),
    ],
    [
      'an entry is there twice',
      (copy) =>
        copy.ledger(
          "INSERT INTO entries SELECT (SELECT max(first + count) FROM entries), count, kind, version_id FROM entries WHERE kind = 'anchor' LIMIT 1",
        ),
      'ledger-entry-twice',
    ],
    [
      'an entry has too many positions',
      (copy) => copy.ledger("UPDATE entries SET count = count + 1 WHERE kind = 'packet' AND first = 1"),
      ...(['ledger-not-contiguous', 'ledger-entry-mismatch'] as const),
    ],
    [
      'an entry names no packet',
      (copy) =>
        copy.ledger(
          "UPDATE entries SET version_id = 'none' WHERE kind = 'anchor' AND first = (SELECT max(first) FROM entries WHERE kind = 'anchor')",
        ),
      ...(['ledger-entry-mismatch', 'ledger-entry-missing'] as const),
    ],
    ['an anchor is forged, on a chain of its own', forgeAnchor, 'anchor-invalid'],
    ['an anchor proves another packet', (copy) => copy.ledger('UPDATE anchors SET vout = 1 - vout'), 'anchor-invalid'],
    [
      'an envelope is no JSON',
      (copy) => copy.ledger('UPDATE anchors SET envelope = substr(envelope, 2)'),
      'anchor-invalid',
    ],
    ['an anchor names another block', (copy) => copy.ledger('UPDATE anchors SET height = 0'), 'anchor-invalid'],
    ['an anchor names another transaction', (copy) => copy.ledger("UPDATE anchors SET txid = ''"), 'anchor-mismatch'],
    ['an anchor claims more leaves', (copy) => copy.ledger('UPDATE anchors SET "end" = "end" + 1'), 'anchor-mismatch'],
    ['the chain is gone', (copy) => rmSync(copy.path('chain.db')), 'chain-missing'],
    [
      'a block has another nonce',
      (copy) => copy.chain(`UPDATE blocks SET header = ${flipped('header', 78)} WHERE height = 0`),
      'chain-broken',
    ],
    [
      'a block has another transaction',
      (copy) =>
        copy.chain('UPDATE blocks SET coinbase = (SELECT coinbase FROM blocks WHERE height = 0) WHERE height = 1'),
      'chain-broken',
    ],
    ['the first block is gone', (copy) => copy.chain('DELETE FROM blocks WHERE height = 0'), 'chain-broken'],
    ['the last block is gone', (copy) => copy.chain('DELETE FROM blocks WHERE height = 1'), 'anchor-invalid'],
  ]);
});

/** Real work and a real transaction, but not on the chain that the server follows. */
async function forgeAnchor(copy: Copy): Promise<void> {
  const { version_id, manifest } = copy.find(
    "SELECT * FROM packets JOIN anchors USING (version_id) WHERE packets.stream = 'water'",
  );
  const { lineage } = JSON.parse(String(manifest)) as { lineage: { parents: string[] } };
  const chain = new LocalChain(directories.next(), IDENTITY, () => 1_700_000_000_000);
  const [forged] = await chain.anchor([{ versionId: String(version_id), parents: lineage.parents }]);
  chain.close();
  copy.ledger(
    'UPDATE anchors SET envelope = ?, txid = ?, height = ?, vout = ? WHERE version_id = ?',
    ...[JSON.stringify(forged?.envelope), forged!.txid, forged!.height, forged!.vout, String(version_id)],
  );
}

describe('whole files', () => {
  table([
    ['the ledger is gone', removeLedger, 'ledger-missing'],
    [
      'the journal is no database',
      (copy) => {
        copy.settle('journal.db');
        writeFileSync(copy.path('journal.db'), 'x'.repeat(5000));
      },
      'database-damaged',
    ],
    ['a table is gone', (copy) => copy.settle('ledger.db', 'DROP TABLE tiles'), 'database-damaged'],
    [
      'an index is out of step with its table',
      (copy) => {
        const { rootpage } = copy.find("SELECT rootpage FROM sqlite_schema WHERE name = 'placements_by_leaf'");
        copy.settle('ledger.db');
        // The end of a page is the end of the first entry that was put into it: a row number.
        copy.flip(copy.path('ledger.db'), Number(rootpage) * 16_384 - 1);
      },
      'database-damaged',
    ],
  ]);
});

function removeLedger(copy: Copy): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(copy.path(`ledger.db${suffix}`), { force: true });
}
