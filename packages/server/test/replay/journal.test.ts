import { hash } from 'node:crypto';
import { describe } from 'vitest';
import type { Copy } from '../fsck/made.ts';
import { aboutOf, differenceTables, type Expected, entries, leafOf, packetsOf, replaced } from './differences.ts';

const { table } = differenceTables();

/** Changes the first configuration of a stream. */
const inConfig =
  (from: string | RegExp, to: string, stream: string, expected: (copy: Copy) => Expected) =>
  (copy: Copy): Expected => {
    const sql = "SELECT first, config FROM entries WHERE kind = 'config' AND stream = ? ORDER BY first LIMIT 1";
    const [row] = copy.rows('journal.db', sql, stream);
    const config = replaced(String(row?.config), from, to);
    copy.journal('UPDATE entries SET config = ? WHERE first = ?', config, Number(row?.first));
    return expected(copy);
  };

/** The first leaf after the log's header. */
function firstLeaf(copy: Copy, stream: string): Pick<Required<Expected>, 'leaf' | 'about'> {
  return { leaf: 1, about: aboutOf(leafOf(packetsOf(copy, stream)[0]!.lines[1]!)) };
}

describe('the journal', () => {
  table([
    [
      'a bound in a mapping policy',
      'plain',
      inConfig('{"max":100}', '{"max":900}', 'plain', (copy) => ({
        stage: 'normalize',
        what: /^policyHash of the leaf$/,
        ...firstLeaf(copy, 'plain'),
      })),
    ],
    [
      'a bound in the mapping policy of a fused source',
      'fused',
      inConfig(/\{"max":100\}/g, '{"max":900}', 'fused', (copy) => ({
        stage: 'normalize',
        what: /^policyHash of the (leaf|input)$/,
        ...firstLeaf(copy, 'fused'),
      })),
    ],
    [
      'the size of packets',
      'plain',
      inConfig('"maxEvents":20', '"maxEvents":2', 'plain', (copy) => ({
        stage: 'order',
        what: /^the packet ends at leaf 2, the stored one at leaf \d+$/,
        leaf: 2,
        about: aboutOf(leafOf(packetsOf(copy, 'plain')[0]!.lines[2]!)),
      })),
    ],
    [
      'a fusion policy',
      'fused',
      inConfig('"min":2', '"min":1', 'fused', (copy) => ({
        stage: 'fuse',
        what: /^a leaf of kind fused, stored is quarantined$|^policyHash of the leaf$/,
        about: undefined,
        ...firstOf(copy, 'fused', ['fused', 'no-quorum']),
      })),
    ],
    [
      'a license',
      'corrected',
      inConfig('cc-by-4.0', 'cc-by-5.0', 'corrected', () => ({
        stage: 'certify',
        what: /: content\.log\.config, policy\.license$/,
        leaf: undefined,
        about: undefined,
      })),
    ],
    [
      'a configuration that is no JSON',
      'rising',
      inConfig('{', '{{', 'rising', () => ({
        stage: 'intake',
        what: /^this configuration cannot be read \(journal position 5\)$/,
        leaf: undefined,
        about: undefined,
      })),
    ],
    ['a byte of an event', 'windows', (copy) => inEvent(copy, ['two', 9], (raw) => raw.replace('"k"', '"j"'))],
    [
      'a byte of an event that is held',
      'fused',
      (copy) => ({ ...inEvent(copy, lastOf('six'), (raw) => raw.replace('"k"', '"j"')), leaf: undefined }),
    ],
    [
      'an event that is no JSON, and its hash',
      'plain',
      (copy) => ({
        ...inEvent(copy, ['one', 12], (raw) => raw.replace('{', '['), true),
        stage: 'normalize',
        what: /^it cannot be normalized: .* \(journal position \d+\)$/,
      }),
    ],
  ]);
});

/** The first leaf that is fused, or in quarantine for want of a quorum. */
function firstOf(copy: Copy, stream: string, kinds: string[]): Pick<Expected, 'leaf' | 'about'> {
  for (const { start, lines } of packetsOf(copy, stream)) {
    for (const [place, line] of lines.entries()) {
      if (line === '') continue;
      const leaf = leafOf(line);
      const [row] = copy.rows(
        'ledger.db',
        'SELECT reasons FROM quarantine WHERE stream = ? AND leaf = ?',
        stream,
        start + place,
      );
      const kind = String(row?.reasons).includes('no-quorum') ? 'no-quorum' : String(leaf.kind);
      if (kinds.includes(kind)) return { leaf: start + place, about: aboutOf(leaf) };
    }
  }
  throw new RangeError(`none of ${kinds}`);
}

function lastOf(source: string): [string, number] {
  const last = entries.findLast((entry) => entry.kind === 'events' && entry.source === source);
  if (last?.kind !== 'events') throw new RangeError(`nothing from ${source}`);
  return [source, last.seq + last.events.count - 1];
}

const HEADER_BYTES = 60;

function inEvent(copy: Copy, about: [string, number], change: (raw: string) => string, rehash = false): Expected {
  const entry = entries.find(
    (each) => each.kind === 'events' && each.source === about[0] && about[1] < each.seq + each.events.count,
  );
  if (entry?.kind !== 'events') throw new RangeError(`no event ${about}`);
  const index = about[1] - entry.seq;
  const changed = Buffer.from(change(entry.events.text(index)));
  const before = index === 0 ? 0 : entry.events.headers.readUInt32BE((index - 1) * HEADER_BYTES + 48);
  const raw = Buffer.concat([
    entry.events.raw.subarray(0, before),
    changed,
    entry.events.raw.subarray(before + changed.length),
  ]);
  const headers = Buffer.from(entry.events.headers);
  if (rehash) headers.write(hash('sha256', changed, 'hex'), index * HEADER_BYTES + 16, 'hex');
  copy.journal('UPDATE entries SET raw = ?, headers = ? WHERE first = ?', raw, headers, entry.first);
  const position = entry.first + index;
  const sql = 'SELECT leaf + ? - first AS leaf FROM placements WHERE first <= ? AND first + count > ?';
  const [row] = copy.rows('ledger.db', sql, position, position, position);
  return { stage: 'intake', what: /^the journaled bytes do not have the hash/, leaf: row && Number(row.leaf), about };
}
