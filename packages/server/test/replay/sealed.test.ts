import { rmSync, writeFileSync } from 'node:fs';
import { describe } from 'vitest';
import type { Copy } from '../fsck/made.ts';
import { resealLast, type Sealing } from '../fsck/resealed.ts';
import {
  aboutOf,
  differenceTables,
  type Expected,
  find,
  leafOf,
  packetsOf,
  type Row,
  replaced,
} from './differences.ts';

const { table } = differenceTables();

/** Changes a line of a stored content file. */
const inFile =
  (kind: string, from: string | RegExp, to: string, expected: Omit<Expected, 'about' | 'leaf'>, stream: string) =>
  (copy: Copy): Expected => {
    const { packet, place, line, leaf, about } = find(copy, stream, kind);
    const lines = packet.lines.with(place, replaced(line, from, to));
    writeFileSync(packet.path, lines.join('\n'));
    return { ...expected, leaf, about };
  };

/** Changes a line of the last packet, and seals and signs it as if all were well. */
const inSealed =
  (kind: string, from: string | RegExp, to: string, expected: Omit<Expected, 'about' | 'leaf'>, stream: string) =>
  (copy: Copy): Expected => {
    const { place, line, leaf, about } = find(copy, stream, kind, 'last');
    resealLast(copy, stream, (sealing) => {
      sealing.lines = sealing.lines.with(place, replaced(line, from, to));
    });
    return { ...expected, leaf, about };
  };

const inManifest =
  (change: (sealing: Sealing) => void, what: RegExp, stream: string) =>
  (copy: Copy): Expected => {
    resealLast(copy, stream, change);
    return { stage: 'certify', what, leaf: undefined, about: undefined };
  };

const HASH = /"[0-9a-f]{64}"/;
const OTHER = `"${'5'.repeat(64)}"`;
const hashOf = (member: string) => new RegExp(`"${member}":${HASH.source}`);
const other = (member: string) => `"${member}":${OTHER}`;

const CONTENTS: Row[] = [
  [
    'a byte of a payload',
    'plain',
    inFile(
      'record',
      /"v":\d\}/,
      '"v":9}',
      { stage: 'normalize', what: /^the payload; .* changed after it was sealed$/ },
      'plain',
    ),
  ],
  [
    'a stored line that is no JSON',
    'rising',
    inFile('record', '{"leaf"', '{leaf"', { stage: 'certify', what: /^the stored line holds no leaf/ }, 'rising'),
  ],
  [
    'a payload and its hash',
    'windows',
    inSealed(
      'record',
      hashOf('payloadHash'),
      other('payloadHash'),
      { stage: 'normalize', what: /^payloadHash of the leaf$/ },
      'windows',
    ),
  ],
  [
    'a payload alone',
    'rising',
    inSealed('record', /"v":\d\}/, '"v":9}', { stage: 'normalize', what: /^the payload$/ }, 'rising'),
  ],
  [
    'a mapping policy',
    'corrected',
    inSealed(
      'record',
      hashOf('policyHash'),
      other('policyHash'),
      { stage: 'normalize', what: /^policyHash of the leaf$/ },
      'corrected',
    ),
  ],
  [
    'a raw hash',
    'plain',
    inSealed(
      'record',
      hashOf('rawHash'),
      other('rawHash'),
      { stage: 'intake', what: /^rawHash of the leaf$/ },
      'plain',
    ),
  ],
  [
    'an event id',
    'windows',
    inSealed(
      'record',
      /"eventId":"[0-9a-f]{32}"/,
      `"eventId":"${'5'.repeat(32)}"`,
      { stage: 'intake', what: /^eventId of the leaf$/ },
      'windows',
    ),
  ],
  [
    'the decision of a fused leaf',
    'fused',
    inSealed(
      'fused',
      hashOf('decision'),
      other('decision'),
      { stage: 'fuse', what: /^decision of the leaf$/ },
      'fused',
    ),
  ],
  [
    'the payload of a fused leaf',
    'fused',
    inSealed(
      'fused',
      hashOf('payloadHash'),
      other('payloadHash'),
      { stage: 'fuse', what: /^payloadHash of the leaf$/ },
      'fused',
    ),
  ],
  [
    'an input of a fused leaf',
    'fused',
    inSealed(
      'fused',
      /,\["[a-z]+",\d+,"[0-9a-f]{64}","[0-9a-f]{64}"\]\]/,
      ']',
      { stage: 'fuse', what: /^inputs of the leaf$/ },
      'fused',
    ),
  ],
  [
    'the raw hash of an input',
    'fused',
    inSealed(
      'fused',
      /(\["[a-z]+",\d+,)"[0-9a-f]{64}"/,
      `$1${OTHER}`,
      { stage: 'intake', what: /^rawHash of the input$/ },
      'fused',
    ),
  ],
  ['two leaves', 'windows', swapLast],
  [
    'the content',
    'plain',
    (copy) => {
      const [, second] = packetsOf(copy, 'plain');
      rmSync(second!.path);
      return { stage: 'certify', what: /^its content [0-9a-f]{64} is missing$/, leaf: undefined, about: undefined };
    },
  ],
];

/** Exchanges the last two leaves of the last packet. */
function swapLast(copy: Copy): Expected {
  const packet = packetsOf(copy, 'windows').at(-1)!;
  const place = packet.lines.length - 3;
  const [one, two] = packet.lines.slice(place) as [string, string];
  resealLast(copy, 'windows', (sealing) => {
    sealing.lines = [...sealing.lines.slice(0, place), two, one];
  });
  const about = aboutOf(leafOf(one));
  return { stage: 'order', what: /^the same leaves in another order$/, leaf: packet.start + place, about };
}

const MANIFESTS: Row[] = [
  [
    'a root',
    'plain',
    inManifest(
      ({ manifest }) => Object.assign(manifest.content.log, { root: '5'.repeat(64) }),
      /: content\.log\.root$/,
      'plain',
    ),
  ],
  [
    'a through',
    'fused',
    inManifest(
      ({ manifest }) => Object.assign(manifest.content.log, { through: { five: 1 } }),
      /: content\.log\.through\.five, content\.log\.through\.seven, content\.log\.through\.six$/,
      'fused',
    ),
  ],
  [
    'parents',
    'rising',
    inManifest(
      (sealing) => Object.assign(sealing.manifest, { lineage: { parents: [] } }),
      /: lineage\.parents$/,
      'rising',
    ),
  ],
  [
    'a window',
    'corrected',
    inManifest(
      ({ manifest }) => Object.assign(manifest.content, { window: { start: 'a', end: 'b' } }),
      /: (content\.window\.correction, )?content\.window\.end, content\.window\.start$/,
      'corrected',
    ),
  ],
  [
    'a license, not signed anew',
    'windows',
    (copy) => {
      const sql = `UPDATE packets SET manifest = replace(manifest, '"license":"cc-by-4.0"', '"license":"cc-by-5.0"') WHERE stream = 'windows' AND start > 20`;
      copy.ledger(sql);
      return { stage: 'certify', what: /: policy\.license$/, leaf: undefined, about: undefined };
    },
  ],
  [
    'a manifest that is no JSON',
    'plain',
    (copy) => {
      copy.ledger("UPDATE packets SET manifest = substr(manifest, 2) WHERE stream = 'plain' AND start = 0");
      return { stage: 'certify', what: /no JSON object$/, leaf: undefined, about: undefined };
    },
  ],
  [
    'the name of a packet',
    'plain',
    (copy) => {
      copy.ledger("UPDATE packets SET version_id = 'none' WHERE stream = 'plain' AND start = 0");
      return { stage: 'certify', what: /: versionId$/, leaf: undefined, about: undefined };
    },
  ],
];

describe('what is sealed', () => {
  table(CONTENTS);
});

describe('manifests', () => {
  table(MANIFESTS);
});
