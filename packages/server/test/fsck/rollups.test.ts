import { hash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { canonicalize, type Manifest, versionId } from '@tidemark/proof';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fsck, type ViolationCode } from '../../src/fsck/index.ts';
import { PacketFiles } from '../../src/store/packets.ts';
import { Directories } from '../support/directories.ts';
import { IDENTITY } from '../support/node.ts';
import { makeRolledUp } from '../support/rolled-up.ts';
import { Copy } from './made.ts';

const directories = new Directories();
const original = directories.next();
afterAll(() => directories.remove());

beforeAll(() => makeRolledUp(original));

const FIRST = '(SELECT min(id) FROM rollups)';
const inFirst = (set: string) => (copy: Copy) => copy.ledger(`UPDATE rollups SET ${set} WHERE id = ${FIRST}`);
const contentPath = (copy: Copy) => {
  const row = copy.find(`SELECT content_hash FROM rollups WHERE id = ${FIRST}`);
  return new PacketFiles(copy.dir).path(String(row.content_hash));
};

/** As a server with a defect would have made the first rollup: not what it should be, and signed all the same. */
function remade(change: (manifest: Manifest, content: Record<string, unknown>) => void): (copy: Copy) => void {
  return (copy) => {
    const row = copy.find(`SELECT manifest FROM rollups WHERE id = ${FIRST}`);
    const manifest = JSON.parse(String(row.manifest)) as Manifest;
    const content = JSON.parse(readFileSync(contentPath(copy), 'utf8')) as Record<string, unknown>;
    change(manifest, content);
    const text = canonicalize(content);
    manifest.content.contentHash = hash('sha256', text, 'hex');
    manifest.content.sizeBytes = Buffer.byteLength(text);
    const id = versionId(manifest);
    const signature = IDENTITY.sign(Buffer.from(id, 'hex')).toString('hex');
    manifest.signatures = { producer: { publicKey: IDENTITY.publicKey, signature } };
    const path = new PacketFiles(copy.dir).path(manifest.content.contentHash);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    copy.ledger(
      `UPDATE rollups SET version_id = ?, content_hash = ?, manifest = ? WHERE id = ${FIRST}`,
      ...[id, manifest.content.contentHash, JSON.stringify(manifest)],
    );
  };
}

type Row = [fault: string, damage: (copy: Copy) => void, ...codes: ViolationCode[]];

const ROWS: Row[] = [
  ['nothing at all', () => undefined],
  ['made anew as it was', remade(() => undefined)],
  ['a content is changed', (copy) => copy.flip(contentPath(copy), 20), 'content-hash-mismatch'],
  ['a content is gone', (copy) => rmSync(contentPath(copy)), 'content-missing'],
  ['a manifest is no JSON', inFirst('manifest = substr(manifest, 2)'), 'manifest-malformed'],
  [
    'a manifest is changed',
    inFirst(`manifest = replace(manifest, '"datasetId":"hall"', '"datasetId":"hall2"')`),
    ...(['version-id-mismatch', 'config-mismatch'] as const),
  ],
  ['not signed', inFirst(`manifest = json_remove(manifest, '$.signatures')`), 'manifest-signature-invalid'],
  ['another time', inFirst('sealed_at = sealed_at + 1'), 'rollup-mismatch'],
  ['another window', inFirst('window_start = window_start - 1'), 'rollup-mismatch'],
  [
    'leaves of half a packet',
    inFirst('start = 1'),
    ...(['rollup-range-wrong', 'rollup-mismatch', 'parent-mismatch'] as const),
  ],
  [
    'a leaf of the next one',
    (copy) => copy.ledger(`UPDATE rollups SET start = start - 1 WHERE id > ${FIRST}`),
    ...(['rollup-range-wrong', 'rollup-mismatch', 'parent-mismatch'] as const),
  ],
  [
    'the same leaves due once more',
    (copy) => copy.ledger('UPDATE due_rollups SET start = start - 1'),
    'rollup-range-wrong',
  ],
  ['a rollup is gone', (copy) => copy.ledger('DELETE FROM due_rollups'), 'rollup-range-wrong'],
  ['the stream would roll up again', (copy) => copy.ledger('UPDATE streams SET rolled_up = 2'), 'rollup-range-wrong'],
  ['the stream would skip', (copy) => copy.ledger('UPDATE streams SET rolled_up = 99'), 'rollup-range-wrong'],
  ['other aggregates', remade((_, content) => Object.assign(content, { records: 3 })), 'rollup-mismatch'],
  ['a parent too few', remade(({ lineage }) => lineage!.parents.pop()), 'parent-mismatch'],
  ['parents in another order', remade(({ lineage }) => lineage!.parents.reverse()), 'parent-mismatch'],
  [
    'another configuration',
    remade(({ content }) => Object.assign(content.rollup as object, { config: '5'.repeat(64) })),
    'config-mismatch',
  ],
  [
    'another origin',
    remade(({ content }) => Object.assign(content.rollup as object, { origin: 'elsewhere/hall' })),
    'config-mismatch',
  ],
  ['no bounds', remade(({ content }) => delete content.rollup), ...(['rollup-mismatch', 'config-mismatch'] as const)],
];

describe('a rollup', () => {
  test.each(ROWS.map(([fault, damage, ...codes]) => ({ fault, damage, codes })))('$fault', ({ damage, codes }) => {
    const copy = new Copy(original, directories);
    damage(copy);
    const { violations, checked } = fsck(copy.dir);
    const found = [...new Set(violations.map(({ code }) => code))].sort();
    expect(found, JSON.stringify(violations, null, 1)).toEqual([...codes].sort());
    expect(checked.rollups).toBe(2);
  });

  test('of a packet that is gone is not checked', () => {
    const copy = new Copy(original, directories);
    rmSync(copy.contentPath('hall'));
    const { violations, notes } = fsck(copy.dir);
    expect([...new Set(violations.map(({ code }) => code))]).toEqual(['content-missing']);
    expect(notes).toContainEqual(expect.objectContaining({ code: 'unchecked', where: 'stream hall rollup [0,3)' }));
  });
});
