import { toHex } from './bytes.ts';
import type { Leaf } from './leaf.ts';
import type { PacketLog } from './manifest.ts';
import type { Signers } from './manifest-signatures.ts';
import type { Pinned } from './options.ts';
import type { Chain } from './pins.ts';
import type { LeafPart, PacketPart } from './proof-file.ts';
import type { AnchoredAt } from './spv.ts';

/** What a valid proof shows. */
export interface Verified extends Partial<Omit<AnchoredAt, 'valid'>> {
  valid: true;
  /** `anchored` comes with chain, confirmations, txid, vout, blockHash and blockTime. */
  level: 'certified' | 'anchored';
  chain?: Chain;
  versionId: string;
  origin: string;
  index: number;
  /** Hex. */
  leafHash: string;
  /** Sentences for a human: what follows from the file and the pins, and what the verifier took on trust. */
  proven: string[];
  trusted: string[];
}

/** The outcome of the checks. */
export interface Findings {
  own: LeafPart;
  leafHash: Uint8Array;
  packet: PacketPart;
  log: PacketLog;
  signers: Signers;
  cosigned: string[];
  anchored: AnchoredAt | undefined;
  pinned: Pinned;
}

export function report(findings: Findings): Verified {
  const { own, leafHash, packet, log, anchored } = findings;
  return {
    valid: true,
    level: anchored === undefined ? 'certified' : 'anchored',
    ...(packet.anchor !== null && { chain: packet.anchor.chain }),
    ...anchored,
    versionId: packet.versionId,
    origin: log.origin,
    index: own.index,
    leafHash: toHex(leafHash),
    proven: proven(findings),
    trusted: trusted(findings),
  };
}

function proven({ own, packet, log, signers, cosigned, anchored, pinned }: Findings): string[] {
  const signed = signers.producer ?? signers.operators.join(', ');
  return [
    `leaf ${own.index} is in the log ${log.origin} of ${log.end} leaves, unchanged`,
    ...(own.payload === undefined ? [] : ['the payload is the one in the leaf']),
    `the manifest ${packet.versionId} is signed by ${signed}`,
    ...(pinned.logKey === undefined ? [] : ['the checkpoint is signed by the pinned log key']),
    ...(cosigned.length === 0 ? [] : [`the checkpoint is cosigned by ${cosigned.join(', ')}`]),
    ...(anchored === undefined ? [] : [existence(packet, anchored)]),
  ];
}

function existence({ anchor }: PacketPart, { blockHash, confirmations }: AnchoredAt): string {
  return `it existed before block ${blockHash} of ${anchor?.chain}, ${confirmations} confirmations deep`;
}

function trusted({ own, packet, signers, cosigned, anchored, pinned }: Findings): string[] {
  const { producer, createdAt } = packet.manifest.provenance;
  return [
    ...(pinned.publisher === undefined ? ["that the signing key is the publisher's: no publisher is pinned"] : []),
    ...(signers.producer === undefined
      ? [`the operator alone: ${producer?.identityKey ?? 'the producer'} has not signed`]
      : []),
    ...(pinned.logKey === undefined ? ["the checkpoint's signature, not verified: no log key is pinned"] : []),
    ...('payloadHash' in own.leaf && own.payload === undefined
      ? ['what the event said: its payload is absent, as after erasure']
      : []),
    ...(ownSignatureTrusted(own.leaf, pinned) ? ["the control leaf's own signature, not verified"] : []),
    ...(cosigned.length === 0 ? ['that the operator shows everybody the same log: no witness is pinned'] : []),
    ...(anchored === undefined ? [`the time ${createdAt}, the operator's word: not anchored`] : []),
    ...(packet.anchor === null ? [] : [chainTrust(packet.anchor.chain)]),
  ];
}

/** With the log's key pinned it is verified, but for a rotation's: that is by the key before. */
function ownSignatureTrusted(leaf: Leaf, { logKey }: Pinned): boolean {
  return leaf.kind === 'control' && (logKey === undefined || leaf.action === 'key-rotated');
}

function chainTrust(chain: Chain): string {
  return chain === 'tidemark-dev'
    ? 'everything about time: the development chain proves mechanics only'
    : `the headers of ${chain} that were handed in, from the pin on`;
}
