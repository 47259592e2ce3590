/** Every value of a proof, changed one at a time: which verifier notices, and what each says. */
import { createHash } from 'node:crypto';
import { verifyProof } from '@tidemark/proof';
import { beforeAll, describe, expect, it } from 'vitest';
import { get, type Json, post } from './client.ts';
import { needsPython, type Verdict, verifyInPython } from './independent.ts';
import { AT_ONCE, eventually, pinsOf, report, settled, useServer } from './server.ts';

const server = useServer({ streams: [{ id: 'default', publish: AT_ONCE }], anchorIntervalMs: 100 });

interface Change {
  /** Members by name, entries by place. */
  path: (string | number)[];
  from: Json;
  to: Json;
  proof: Json;
}

let proof: Json;
let changes: Change[];
let pins: { publisher: string; logKey: string };

beforeAll(async () => {
  // A revision, so that `supersedes` is there, in a packet with others, so that there is a path.
  const events = [1, 2, 3].map((n) => ({ id: 'tampered', n, deep: { list: [n, 'text', true, null] } }));
  const { body } = await post(server.url, { events });
  await settled(server.url, body.inserted[2]);
  proof = await eventually(async () => {
    // Each packet with something new in it makes a block.
    await post(server.url, { events: [{ id: `block ${performance.now()}` }] });
    const { body: file } = await get(server.url, `/ingest/events/${body.inserted[2]}/proof`);
    expect(file.anchor?.envelope.headerChain.length).toBeGreaterThanOrEqual(3);
    return file;
  }, 100);
  changes = [...changesOf(proof)];
  pins = pinsOf(server.dataDir, 'default');
});

/** One copy of the proof for each change. */
function* changesOf(file: Json): Generator<Change> {
  for (const [path, from] of values(file, [])) {
    for (const to of alternatives(path, from)) {
      const copy = structuredClone(file);
      const holder = path.slice(0, -1).reduce((value, key) => value[key], copy);
      holder[path.at(-1)!] = to;
      yield { path, from, to, proof: copy };
    }
  }
}

function* values(value: Json, path: (string | number)[]): Generator<[(string | number)[], Json]> {
  if (typeof value !== 'object' || value === null) yield [path, value];
  else if (Array.isArray(value)) for (const [place, entry] of value.entries()) yield* values(entry, [...path, place]);
  else for (const [name, member] of Object.entries(value)) yield* values(member, [...path, name]);
}

/** Members with few values, all of them. */
const WORDS: Record<string, string[]> = {
  position: ['left', 'right'],
  chain: ['tidemark-dev', 'main', 'test', 'regtest'],
  kind: ['header', 'record', 'quarantined', 'fused', 'control'],
  classification: ['public', 'internal', 'restricted', 'clinical-research'],
};

/** Texts are changed in every character where that matters, else in three; the form of hex and base64 stays. */
function* alternatives(path: (string | number)[], value: Json): Generator<Json> {
  const words = WORDS[path.at(-1)!];
  if (words !== undefined) yield* [...words.filter((word) => word !== value), 'another'];
  else if (typeof value === 'string') {
    const everywhere = path[0] === 'checkpoint' || path.includes('blockHeader');
    const places = everywhere ? value.split('').keys() : new Set([0, value.length >> 1, value.length - 1]);
    for (const place of places) yield value.slice(0, place) + other(value[place]!) + value.slice(place + 1);
    yield `${value}0`;
    yield value.slice(0, -1);
    yield null;
  } else if (typeof value === 'number') yield* [value + 1, value - 1, value + 0.5, String(value)];
  else if (typeof value === 'boolean') yield* [!value, String(value)];
  else yield* ['', 0, {}];
}

function other(character: string): string {
  const hex = '0123456789abcdef';
  const place = hex.indexOf(character);
  if (place >= 0) return hex[(place + 1) % hex.length]!;
  return character === 'Q' ? 'R' : 'Q';
}

/** Entries of one list alike. */
function placeOf({ path }: Change): string {
  return path.map((key) => (typeof key === 'number' ? '*' : key)).join('.');
}

/** Where the checkpoint's changed character is: the base64 of key id and signature has no other way to be checked. */
function isLogSignature({ path, from, to }: Change): boolean {
  if (path[0] !== 'checkpoint' || typeof to !== 'string' || to.length !== from.length) return false;
  const place = from.split('').findIndex((character: string, at: number) => character !== to[at]);
  return place > from.lastIndexOf(' ') && place < from.length - 1;
}

/** The development chain's target is low: one changed header in 4,096 meets it by chance, and is then a header like any other. */
function isLuckyHeader({ path, to }: Change): boolean {
  if (path.at(-2) !== 'headerChain' || path.at(-1) === 0 || !/^[0-9a-f]{160}$/.test(to)) return false;
  const header = Buffer.from(to, 'hex');
  const hash = createHash('sha256').update(createHash('sha256').update(header).digest()).digest().toReversed();
  const bits = header.readUInt32LE(72);
  const target = BigInt(bits & 0xffffff) << BigInt(8 * ((bits >>> 24) - 3));
  return BigInt(`0x${Buffer.from(hash).toString('hex')}`) <= target;
}

/** Verdicts of both on all changes, with the keys pinned and without; each worked out once. */
const known: Record<string, Verdict[]> = {};

function ours(pinned: boolean): Verdict[] {
  const options = { ...(pinned ? pins : {}), dev: true };
  known[`ours/${pinned}`] ??= changes.map((change) => verifyProof(change.proof, options));
  return known[`ours/${pinned}`]!;
}

async function theirs(pinned: boolean): Promise<Verdict[]> {
  const options = { ...(pinned ? pins : {}), dev: true };
  const proofs = () => changes.map((change) => change.proof);
  known[`theirs/${pinned}`] ??= await verifyInPython(proofs(), options);
  return known[`theirs/${pinned}`]!;
}

const told = (change: Change) => `${placeOf(change)}: ${JSON.stringify(change.from)} → ${JSON.stringify(change.to)}`;

function accepted(verdicts: readonly Verdict[]): Change[] {
  return changes.filter((change, place) => verdicts[place]!.valid && !isLuckyHeader(change));
}

describe('one changed value', () => {
  it('is there for each value of the file', () => {
    const places = new Set(changes.map(placeOf));
    for (const place of ['leaf.supersedes.*', 'payload.deep.list.*', 'inclusion.*', 'anchor.envelope.headerChain.*']) {
      expect(places).toContain(place);
    }
    report(`${changes.length} changes at ${places.size} places of a proof`);
  });

  it('is refused by our verifier, whatever it is, when the keys are pinned', () => {
    expect(accepted(ours(true)).map(told)).toEqual([]);
  });

  it('is refused by the independent one, too', async (context) => {
    needsPython(context);
    expect(accepted(await theirs(true)).map(told)).toEqual([]);
  });

  it('is refused without pins, too, but in the signature that takes the log key to check', async (context) => {
    const own = accepted(ours(false));
    expect(own.filter((change) => !isLogSignature(change)).map(told)).toEqual([]);
    // The 68 bytes of key id and signature are 91 characters of base64, of which the last has two bits to spare.
    expect(own.length).toBeGreaterThanOrEqual(90);
    needsPython(context);
    // With the padding changed the signature is a byte longer, which the independent verifier lets pass.
    const others = accepted(await theirs(false)).filter(({ to }) => !to.endsWith('Q\n'));
    expect(others.map(told)).toEqual(own.map(told));
  });
});

/** Ours and theirs. The contract orders the links of the proof, not what is looked at within a link. */
const KNOWN_DIFFERENCES = [
  // Ours knows more of the forms in a manifest.
  'manifest.content.log.end: malformed / inclusion-mismatch',
  'manifest.content.log.start: malformed / manifest-mismatch',
  'manifest.content.log.through.*: malformed / manifest-mismatch',
  'manifest.content.mimeType: malformed / manifest-mismatch',
  'manifest.content.sizeBytes: malformed / manifest-mismatch',
  // Theirs knows that a compressed key begins with 02 or 03.
  'manifest.provenance.producer.identityKey: manifest-mismatch / malformed',
  'manifest.signatures.producer.publicKey: signature-invalid / malformed',
  // Ours ships a pin for the main chain, and its floor is above the development chain's.
  'anchor.chain: insufficient-work / unknown-block-hash',
  // Ours holds the header against the first of headerChain before its work and its root, theirs after.
  'anchor.envelope.block.blockHeader: invalid-block-header / insufficient-work',
  'anchor.envelope.block.blockHeader: invalid-block-header / invalid-merkle-path',
  'anchor.envelope.headerChain.*: invalid-block-header / insufficient-work',
];

describe('the reasons', () => {
  it('of both verifiers are the same, but where a change breaks two links at once', async (context) => {
    needsPython(context);
    const [own, others] = [ours(true), await theirs(true)];
    const differences = changes.flatMap((change, place) => {
      const [mine, yours] = [own[place]!.reason, others[place]!.reason];
      return mine === yours ? [] : [`${placeOf(change)}: ${mine} / ${yours}`];
    });
    expect([...new Set(differences)].filter((difference) => !KNOWN_DIFFERENCES.includes(difference))).toEqual([]);
  });

  it.each([
    ['payload.n', 'payload-mismatch'],
    ['leaf.payloadHash', 'payload-mismatch'],
    ['leaf.seq', 'inclusion-mismatch'],
    ['inclusion.*', 'inclusion-mismatch'],
    ['manifest.content.contentHash', 'manifest-mismatch'],
    ['manifest.policy.license', 'manifest-mismatch'],
    ['manifest.content.log.root', 'inclusion-mismatch'],
    ['manifest.signatures.producer.signature', 'signature-invalid'],
    ['versionId', 'manifest-mismatch'],
    ['anchor.vout', 'tx-does-not-commit'],
    ['anchor.envelope.txid', 'txid-mismatch-top-level-vs-proof'],
    ['anchor.envelope.rawTx', 'txid-mismatch-rawtx-vs-proof'],
    ['anchor.envelope.proof.merkleRoot', 'invalid-merkle-path'],
    ['anchor.envelope.proof.path.*.hash', 'invalid-merkle-path'],
    ['anchor.envelope.proof.path.*.position', 'invalid-merkle-path'],
  ])('%s: %s', (place, reason) => {
    const wellFormed = changes.filter((change) => placeOf(change) === place && keepsItsForm(change));
    expect(wellFormed.length).toBeGreaterThan(0);
    for (const { proof: changed } of wellFormed) expect(verifyProof(changed, { dev: true })).toMatchObject({ reason });
  });

  function keepsItsForm({ path, from, to }: Change): boolean {
    const words = WORDS[path.at(-1)!];
    if (words !== undefined) return words.includes(to);
    return typeof from === 'number' ? Number.isSafeInteger(to) && to >= 0 : to?.length === from.length;
  }
});

describe('a member too many', () => {
  it('is refused in every object of the file but the open ones of a manifest, which its hash covers', async (context) => {
    const widened: Json[] = [];
    for (const holder of objects(proof)) {
      holder.extra = 1;
      widened.push(structuredClone(proof));
      delete holder.extra;
    }
    expect(widened.length).toBeGreaterThan(15);
    const own = widened.map((file) => verifyProof(file, { dev: true }));
    expect(own.filter(({ valid }) => valid)).toEqual([]);
    needsPython(context);
    expect((await verifyInPython(widened, { dev: true })).filter(({ valid }) => valid)).toEqual([]);
  });

  function* objects(value: Json): Generator<Json> {
    if (typeof value !== 'object' || value === null) return;
    if (!Array.isArray(value)) yield value;
    for (const member of Object.values(value)) yield* objects(member);
  }
});
