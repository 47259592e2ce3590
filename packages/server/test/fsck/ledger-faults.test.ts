import { rmSync, writeFileSync } from 'node:fs';
import { describe } from 'vitest';
import { LocalChain } from '../../src/anchor/local-chain.ts';
import { anchorAll } from '../support/anchored.ts';
import { IDENTITY } from '../support/node.ts';
import { type Fault, faultTables, flipped } from './fault-table.ts';
import type { Copy } from './made.ts';

const { directories, table } = faultTables();

const FIRST_PACKET = `(SELECT version_id FROM packets WHERE stream = 'plant' AND start = 0)`;
const SECOND_PACKET = `(SELECT version_id FROM packets WHERE stream = 'plant' AND start > 0 ORDER BY start LIMIT 1)`;

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
    ).flatMap(([name, which]): Fault[] => [
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
      (copy) => copy.ledger('UPDATE transactions SET envelope = substr(envelope, 2)'),
      'anchor-invalid',
    ],
    ['an anchor names another block', (copy) => copy.ledger('UPDATE anchors SET height = 0'), 'anchor-invalid'],
    ['an anchor names another transaction', renameTransactions, 'anchor-mismatch'],
    ['an anchor has no transaction', (copy) => copy.ledger('DELETE FROM transactions'), 'anchor-invalid'],
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

function renameTransactions(copy: Copy): void {
  copy.ledger("UPDATE anchors SET txid = 'x' || txid");
  copy.ledger("UPDATE transactions SET txid = 'x' || txid");
}

/** Real work and a real transaction, but not on the chain that the server follows. */
async function forgeAnchor(copy: Copy): Promise<void> {
  const { version_id, manifest } = copy.find(
    "SELECT * FROM packets JOIN anchors USING (version_id) WHERE packets.stream = 'water'",
  );
  const { lineage } = JSON.parse(String(manifest)) as { lineage: { parents: string[] } };
  const chain = new LocalChain(directories.next(), IDENTITY, () => 1_700_000_000_000);
  const [forged] = await anchorAll(chain, [{ versionId: String(version_id), parents: lineage.parents }]);
  chain.close();
  copy.ledger('INSERT INTO transactions VALUES (?, ?)', forged!.txid, JSON.stringify(forged?.envelope));
  copy.ledger(
    'UPDATE anchors SET txid = ?, height = ?, vout = ? WHERE version_id = ?',
    ...[forged!.txid, forged!.height, forged!.vout, String(version_id)],
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
