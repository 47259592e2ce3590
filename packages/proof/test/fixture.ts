import { ed25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { anchorScript } from '../src/anchor.ts';
import { concat, fromHex, reversed, toBase64, toHex, utf8 } from '../src/bytes.ts';
import { cosignedText, formatVerifierKey, signatureLine, signCheckpoint, verifierKey } from '../src/checkpoint.ts';
import { controlText } from '../src/control.ts';
import { meetsTarget, parseHeader } from '../src/headers.ts';
import { type ControlLeaf, hashLeaf, type Leaf, payloadHash, payloadSalt } from '../src/leaf.ts';
import { type Manifest, versionId } from '../src/manifest.ts';
import { inclusionProof, type NodeReader, nodeHash, rootOf } from '../src/merkle.ts';
import { rootOfPath } from '../src/merkle-path.ts';
import type { VerifyOptions } from '../src/options.ts';
import { DEVELOPMENT_FLOOR_BITS } from '../src/pins.ts';
import type { ProofFile } from '../src/proof-file.ts';
import { transactionId } from '../src/transaction.ts';

export const ORIGIN = 'tidemark.example/greenhouse';
export const HASH = 'ab'.repeat(32);
const publisherSecret = new Uint8Array(32).fill(0x5a);
const operatorSecret = new Uint8Array(32).fill(0x5b);
const logSecret = new Uint8Array(32).fill(0x5c);
const witnessSecret = new Uint8Array(32).fill(0x5d);

export const publisher = toHex(secp256k1.getPublicKey(publisherSecret));
export const operator = toHex(secp256k1.getPublicKey(operatorSecret));
const logKey = verifierKey(ORIGIN, ed25519.getPublicKey(logSecret));
const witnessKey = verifierKey('witness.example/w1', ed25519.getPublicKey(witnessSecret), 'witness');

/** Every pin there is, and the full depth of the fixture's chain. */
export const pins: VerifyOptions = {
  publisher,
  logKey: formatVerifierKey(logKey),
  witnesses: [formatVerifierKey(witnessKey)],
  minConfs: 3,
  dev: true,
};

/** A JSON value whose members tests change at will. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into untyped JSON on purpose.
export type Json = any;

export interface FixtureOptions {
  salted?: boolean;
  rollup?: boolean;
  index?: number;
  /** In place of the leaf at `index`. */
  leaf?: Leaf;
}

/** A valid proof file over a log of five leaves, anchored three blocks deep on a development chain mined here. */
export function buildProof({ salted = false, rollup = false, index = 1, leaf }: FixtureOptions = {}): Json {
  const payload = { t: 21.5, tags: ['a', null, true], ts: '2026-03-01T12:00:00Z' };
  const salt = salted ? payloadSalt(new Uint8Array(32).fill(9)) : undefined;
  const leaves = logLeaves(payloadHash(payload, salt)).map((own, i) => (i === index ? (leaf ?? own) : own));
  const node = nodeReader(leaves.map(hashLeaf));
  const root = toHex(rootOf(leaves.length, node));
  const manifest = sign(packetManifest(leaves.length, root));
  const rolledUp = rollup ? sign(rollupManifest(versionId(manifest))) : undefined;
  const envelope = buildEnvelope(versionId(rolledUp ?? manifest));
  const proof: ProofFile = {
    format: 'tidemark-proof/1',
    leaf: leaves[index]!,
    ...('payloadHash' in leaves[index]! && { payload }),
    ...(salt !== undefined && { salt: toHex(salt) }),
    index,
    inclusion: inclusionProof(index, leaves.length, node).map(toHex),
    manifest,
    versionId: versionId(manifest),
    ...(rolledUp !== undefined && { rollup: rolledUp }),
    checkpoint: buildCheckpoint({ origin: ORIGIN, size: leaves.length, root }),
    anchor: { chain: 'tidemark-dev', vout: 1, envelope },
  };
  return JSON.parse(JSON.stringify(proof));
}

export function logLeaves(recordPayloadHash: string): Leaf[] {
  const common = { v: 1, stream: 'greenhouse' } as const;
  const event = {
    ...common,
    source: 'sensor-a',
    eventTime: '2026-03-01T12:00:00.000Z',
    rawHash: HASH,
    policyHash: HASH,
  };
  const record = (seq: number): Leaf => ({
    ...event,
    kind: 'record',
    seq,
    eventId: seq.toString(16).padStart(32, '0'),
    payloadHash: recordPayloadHash,
  });
  return [
    { ...common, kind: 'header', publisher, logKey: formatVerifierKey(logKey) },
    record(1),
    record(2),
    { ...event, kind: 'quarantined', seq: 3, eventId: 'ab'.repeat(16), reasonsHash: HASH },
    { ...(record(4) as Extract<Leaf, { kind: 'record' }>), supersedes: ['sensor-a', 2] },
  ];
}

function nodeReader(hashes: Uint8Array[]): NodeReader {
  const node: NodeReader = (level, i) =>
    level === 0 ? hashes[i]! : nodeHash(node(level - 1, 2 * i), node(level - 1, 2 * i + 1));
  return node;
}

export function packetManifest(end: number, root: string): Manifest {
  return {
    type: 'datasetVersionManifest',
    datasetId: 'greenhouse',
    description: 'Greenhouse',
    content: {
      contentHash: HASH,
      sizeBytes: 2003,
      mimeType: 'application/x-ndjson',
      log: { origin: ORIGIN, hash: 'rfc9162-sha256', start: 0, end, root, through: { 'sensor-a': 4 }, config: HASH },
    },
    lineage: { parents: ['cd'.repeat(32)] },
    provenance: { createdAt: '2026-03-01T12:00:03.000Z', producer: { identityKey: publisher } },
    policy: { license: 'cc-by-4.0', classification: 'public' },
  };
}

function rollupManifest(packet: string): Manifest {
  const { log: _, ...content } = packetManifest(1, HASH).content;
  return { ...packetManifest(1, HASH), content, lineage: { parents: ['ef'.repeat(32), packet] } };
}

/** The manifest with the producer's signature and the operator's endorsement. */
export function sign(manifest: Manifest): Manifest {
  const digest = fromHex(versionId(manifest));
  const signature = (secret: Uint8Array) => ({
    publicKey: toHex(secp256k1.getPublicKey(secret)),
    signature: toHex(secp256k1.sign(digest, secret, { prehash: false, format: 'der' })),
  });
  const endorsements = [{ role: 'operator', ...signature(operatorSecret) }];
  return { ...manifest, signatures: { producer: signature(publisherSecret), endorsements } };
}

export function buildCheckpoint(checkpoint: { origin: string; size: number; root: string }): string {
  const note = signCheckpoint(checkpoint, logKey, (message) => ed25519.sign(message, logSecret));
  const seconds = 1_772_366_403n;
  const text = note.slice(0, note.indexOf('\n\n') + 1);
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, seconds);
  const bytes = concat(time, ed25519.sign(utf8(cosignedText(text, seconds)), witnessSecret));
  return note + signatureLine({ name: witnessKey.name, keyId: witnessKey.keyId, bytes });
}

/** A transaction with a payment and the anchor, hex. */
export function buildTransaction(scripts: Uint8Array[]): string {
  const input = concat(new Uint8Array(32).fill(1), fromHex('00000000'), fromHex('0151'), fromHex('ffffffff'));
  const outputs = scripts.map((script) => concat(new Uint8Array(8), Uint8Array.of(script.length), script));
  return toHex(
    concat(
      fromHex('01000000'),
      Uint8Array.of(1),
      input,
      Uint8Array.of(scripts.length),
      ...outputs,
      fromHex('00000000'),
    ),
  );
}

/** A control leaf of the fixture's log, signed by its key or another. */
export function buildControl(action: string, data: unknown, secret = logSecret): ControlLeaf {
  const unsigned = { v: 1, kind: 'control', stream: 'greenhouse', action, data } as const;
  return { ...unsigned, signature: toBase64(ed25519.sign(utf8(controlText(unsigned)), secret)) };
}

/** The versionId in a block of four transactions, with two blocks on top. */
export function buildEnvelope(mh: string): Json {
  const payment = fromHex(`76a914${'00'.repeat(20)}88ac`);
  const rawTx = buildTransaction([payment, anchorScript({ mh, parents: ['cd'.repeat(32)] })]);
  const txid = transactionId(fromHex(rawTx));
  const path: { hash: string; position: 'left' | 'right' }[] = [
    { hash: '11'.repeat(32), position: 'left' },
    { hash: '22'.repeat(32), position: 'right' },
  ];
  const merkleRoot = rootOfPath(txid, path)!;
  const headerChain = mineChain({ merkleRoot, length: 3 });
  const block = { blockHeader: headerChain[0] };
  return { rawTx, txid, proof: { txid, merkleRoot, path }, block, headerChain };
}

/** Consecutive headers, hex; the first carries the root and follows `prevHash`. */
export function mineChain(options: {
  merkleRoot?: string;
  prevHash?: string;
  length: number;
  time?: number;
}): string[] {
  const { merkleRoot = HASH, length, time = 1_772_366_400 } = options;
  let prevHash = options.prevHash ?? '00'.repeat(32);
  return Array.from({ length }, (_, i) => {
    const raw = mine(prevHash, i === 0 ? merkleRoot : HASH, time + i);
    prevHash = parseHeader(raw).hash;
    return toHex(raw);
  });
}

/** A header that meets its own target, by default the development floor. */
export function mine(prevHash: string, merkleRoot: string, time: number, bits = DEVELOPMENT_FLOOR_BITS): Uint8Array {
  const raw = new Uint8Array(80);
  const view = new DataView(raw.buffer);
  view.setInt32(0, 1, true);
  raw.set(reversed(fromHex(prevHash)), 4);
  raw.set(reversed(fromHex(merkleRoot)), 36);
  view.setUint32(68, time, true);
  view.setUint32(72, bits, true);
  for (let nonce = 0; !meetsTarget(parseHeader(raw), bits); nonce++) view.setUint32(76, nonce, true);
  return raw;
}
