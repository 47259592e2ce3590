import { fromHex } from './bytes.ts';
import { canonicalize } from './canonical.ts';
import { verifyControlBy } from './control.ts';
import { membersBefore, packetEnding } from './ending.ts';
import { sameJson } from './json-equal.ts';
import { KnownTree } from './known-tree.ts';
import { type Leaf, payloadHash } from './leaf.ts';
import { type Manifest, type PacketLog, packetLog } from './manifest.ts';
import { leafHash } from './merkle.ts';
import { type Pinned, readOptions, type VerifyOptions } from './options.ts';
import { checkAnchor, checkCheckpoint, checkSignatures, type Signed } from './packet-checks.ts';
import {
  type LeafPart,
  PACKET_MEMBERS,
  type PacketPart,
  parseLeafPart,
  parsePacketPart,
  proofMembers,
} from './proof-file.ts';
import { report, type Verified } from './report.ts';
import type { Sha256 } from './sha256.ts';
import type { JsonObject } from './shape.ts';
import type { AnchoredAt } from './spv.ts';
import { type Refusal, refuse, verdict } from './verdict.ts';

export type VerificationReport = Verified | Refusal;

/** What the checks of a packet came to. */
interface CheckedPacket {
  packet: PacketPart;
  log: PacketLog;
  tree: KnownTree;
  signed: Signed;
  anchored: AnchoredAt | undefined;
}

/** A packet that was found valid, with the JSON it was read from. */
interface KnownPacket extends CheckedPacket {
  json: JsonObject;
}

const MAX_KNOWN_PACKETS = 1024;
const MAX_ENDINGS = 8;
/** UTF-16 code units of canonical text; larger packets are checked anew each time. */
const MAX_KNOWN_PACKET_LENGTH = 64 * 1024;
/** Some 40 MB, over all packets. */
const MAX_KNOWN_NODES = 2 ** 18;

/**
 * Verifies proof files, offline. Any JSON value gives a report: the level reached, what is proven and what had to be
 * trusted, or the first broken link. What proofs of one packet share is checked once and remembered, in bounded memory
 * (about 100 MB at most); no report depends on what came before.
 */
export class ProofVerifier {
  readonly #pinned: Pinned;
  /** By the versionId that the proofs claim: a hint where to look, which proves nothing. Oldest first. */
  readonly #known = new Map<unknown, KnownPacket>();
  /** How the texts of proofs of a known packet end; the newest first. */
  readonly #endings: { ending: string; packet: KnownPacket }[] = [];
  #nodes = 0;

  /** Throws a `ProofError` (`invalid-option`, `invalid-key`, `invalid-header`) for options that are of no use. */
  constructor(options: VerifyOptions = {}) {
    this.#pinned = readOptions(options);
  }

  verify(proof: unknown): VerificationReport {
    return verdict(() => {
      const file = proofMembers(proof);
      return this.#check(file, this.#recall(file));
    });
  }

  /** As `verify`, of a proof file's text; what is no JSON is malformed. The fastest way to check many of one packet. */
  verifyText(text: string): VerificationReport {
    return verdict(() => this.#checkText(text));
  }

  /** A text that ends as one of a known packet did need not be read to its end. */
  #checkText(text: string): Verified {
    for (const { ending, packet } of this.#endings) {
      // Four times as fast as `endsWith`.
      const own = text.slice(-ending.length) === ending ? membersBefore(ending, text) : undefined;
      // A member of the packet's that stands before would have a say too.
      if (own === undefined || PACKET_MEMBERS.some((name) => Object.hasOwn(own, name))) continue;
      return this.#check(proofMembers(Object.assign(own, packet.json)), packet);
    }
    const file = proofMembers(parsed(text));
    const known = this.#recall(file);
    const verified = this.#check(file, known);
    const packet = known ?? this.#recall(file);
    const ending = packet && packetEnding(text, packet.json);
    if (packet !== undefined && ending !== undefined) {
      if (this.#endings.unshift({ ending, packet }) > MAX_ENDINGS) this.#endings.pop();
    }
    return verified;
  }

  /** The checks in the order of `log.md`. A known packet has passed those that look at nothing but the packet. */
  #check(file: JsonObject, known: KnownPacket | undefined): Verified {
    const pinned = this.#pinned;
    const { sha256 } = pinned.primitives;
    const own = parseLeafPart(file);
    const packet = known?.packet ?? parsePacketPart(file);
    const log = known?.log ?? logOf(packet.manifest);
    checkPayload(own, sha256);
    checkOrigin(own, log);
    const tree = known?.tree ?? new KnownTree(log.end, log.root, sha256);
    const hash = leafHash(own.leafBytes, sha256);
    this.#checkInclusion(own, hash, log, tree);
    const signed = known?.signed ?? checkSignatures(packet, log, pinned);
    checkControl(own.leaf, pinned);
    if (known === undefined) checkCheckpoint(signed.checkpoint, log);
    const anchored = known === undefined ? checkAnchor(packet, signed.anchoredId, pinned) : known.anchored;
    if (known === undefined) this.#remember(file, { packet, log, tree, signed, anchored });
    return report({ own, leafHash: hash, packet, log, ...signed, anchored, pinned });
  }

  #checkInclusion({ index, inclusion }: LeafPart, hash: Uint8Array, log: PacketLog, tree: KnownTree): void {
    const before = tree.count;
    if (!tree.leads(index, hash, inclusion)) {
      refuse('inclusion-mismatch', `the path does not lead from leaf ${index} to the root of ${log.end} leaves`);
    }
    this.#nodes += tree.count - before;
    if (this.#nodes > MAX_KNOWN_NODES) this.#forgetNodes();
  }

  #forgetNodes(): void {
    for (const { tree } of this.#known.values()) tree.forget();
    for (const { packet } of this.#endings) packet.tree.forget();
    this.#nodes = 0;
  }

  /** The packet, if all that the file says of it is, to the last value, what was found valid before. */
  #recall(file: JsonObject): KnownPacket | undefined {
    const known = this.#known.get(file.versionId);
    return known !== undefined && sameJson(packetMembers(file), known.json) ? known : undefined;
  }

  /** Keeps a copy: the caller's own objects may change. */
  #remember(file: JsonObject, packet: CheckedPacket): void {
    const text = canonicalize(packetMembers(file));
    if (text.length > MAX_KNOWN_PACKET_LENGTH) return;
    const json = JSON.parse(text) as JsonObject;
    this.#known.delete(json.versionId);
    if (this.#known.size === MAX_KNOWN_PACKETS) this.#known.delete(this.#known.keys().next().value);
    this.#known.set(json.versionId, { ...packet, packet: parsePacketPart(json), json });
  }
}

/** Verifies one proof file; for many use a `ProofVerifier`, which this is the single use of. */
export function verifyProof(proof: unknown, options: VerifyOptions = {}): VerificationReport {
  return new ProofVerifier(options).verify(proof);
}

/** What is no JSON has no members, and is refused for that. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function packetMembers(file: JsonObject): JsonObject {
  const members: JsonObject = {};
  for (const name of PACKET_MEMBERS) if (file[name] !== undefined) members[name] = file[name];
  return members;
}

function logOf(manifest: Manifest): PacketLog {
  return packetLog(manifest) ?? refuse('malformed', 'the manifest is not that of a packet: no content.log');
}

/** A payload may be missing, after erasure; one that is there has to be the one in the log. */
function checkPayload({ leaf, payload, salt }: LeafPart, sha256: Sha256): void {
  if (payload === undefined) return;
  if (!('payloadHash' in leaf)) refuse('payload-mismatch', `a ${leaf.kind} leaf has no payload`);
  if (payloadHash(payload, fromHex(salt ?? ''), sha256) !== leaf.payloadHash) {
    refuse('payload-mismatch', "the payload is not the one of the leaf's payloadHash");
  }
}

/** A log's origin is the node's name, a slash, and the stream. */
function checkOrigin({ leaf }: LeafPart, log: PacketLog): void {
  const suffix = `/${leaf.stream}`;
  if (!log.origin.endsWith(suffix) || log.origin.length === suffix.length) {
    refuse('inclusion-mismatch', "the manifest's log is not that of the leaf's stream");
  }
}

/**
 * With the log's key pinned, a control leaf's own signature is held against it. A `key-rotated` leaf is signed by the
 * key before, so it is left out; other leaves from before a rotation are refused under the key that came after.
 */
function checkControl(leaf: Leaf, { logKey, primitives }: Pinned): void {
  if (leaf.kind !== 'control' || leaf.action === 'key-rotated' || logKey === undefined) return;
  if (!verifyControlBy(leaf, logKey.publicKey, primitives.verifyEd25519)) {
    refuse('signature-invalid', 'the control leaf is not signed by the pinned log key');
  }
}
