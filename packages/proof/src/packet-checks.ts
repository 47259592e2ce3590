import { parseCheckpoint, type SignedCheckpoint, verifyCheckpoint } from './checkpoint.ts';
import { type PacketLog, versionId } from './manifest.ts';
import { checkManifestSignatures, type Signers } from './manifest-signatures.ts';
import type { Pinned } from './options.ts';
import type { PacketPart } from './proof-file.ts';
import { type AnchoredAt, checkEnvelope } from './spv.ts';
import { refuse } from './verdict.ts';

/** What holds of a packet once its ids and signatures are checked. */
export interface Signed {
  /** The versionId that an anchor has to carry. */
  anchoredId: string;
  checkpoint: SignedCheckpoint;
  signers: Signers;
  /** Names of the pinned witnesses that cosigned. */
  cosigned: string[];
}

const ED25519_BYTES = 64;

/** manifest ↔ versionId, and every signature that is there. */
export function checkSignatures(packet: PacketPart, log: PacketLog, pinned: Pinned): Signed {
  const { publisher, primitives } = pinned;
  const verify = primitives.verifyEcdsa;
  const anchoredId = checkVersionIds(packet);
  const checkpoint = parseCheckpoint(packet.checkpoint);
  const signers = checkManifestSignatures(packet.manifest, packet.versionId, { publisher, verify });
  if (packet.rollup !== undefined) {
    checkManifestSignatures(packet.rollup, anchoredId, { publisher: undefined, verify });
  }
  checkLogSignature(checkpoint, log, pinned);
  return { anchoredId, checkpoint, signers, cosigned: checkWitnesses(checkpoint, pinned) };
}

function checkVersionIds({ manifest, versionId: claimed, rollup }: PacketPart): string {
  if (versionId(manifest) !== claimed) refuse('manifest-mismatch', "versionId is not the manifest's");
  if (rollup === undefined) return claimed;
  if (!rollup.lineage?.parents.includes(claimed)) {
    refuse('manifest-mismatch', 'the rollup does not name the packet among its parents');
  }
  return versionId(rollup);
}

/** Without a pinned key there is none to verify with; that the log has signed at all is still asked for. */
function checkLogSignature(checkpoint: SignedCheckpoint, log: PacketLog, { logKey, primitives }: Pinned): void {
  if (logKey === undefined) {
    const own = checkpoint.signatures.filter((line) => line.name === log.origin);
    if (!own.some((line) => line.bytes.length === ED25519_BYTES)) {
      refuse('signature-invalid', 'the checkpoint is not signed by its log');
    }
  } else if (logKey.name !== log.origin || verifyCheckpoint(checkpoint, logKey, primitives.verifyEd25519) !== 'valid') {
    refuse('signature-invalid', "the checkpoint is not signed by the pinned key of the manifest's log");
  }
}

function checkWitnesses(checkpoint: SignedCheckpoint, { witnesses, quorum, primitives }: Pinned): string[] {
  const states = witnesses.map((key) => ({
    name: key.name,
    state: verifyCheckpoint(checkpoint, key, primitives.verifyEd25519),
  }));
  const broken = states.find(({ state }) => state === 'invalid');
  if (broken !== undefined) refuse('signature-invalid', `the cosignature of ${broken.name} does not verify`);
  const cosigned = states.filter(({ state }) => state === 'valid').map(({ name }) => name);
  if (cosigned.length < quorum) refuse('signature-invalid', `${cosigned.length} of ${quorum} witnesses cosigned`);
  return cosigned;
}

export function checkCheckpoint({ origin, size, root }: SignedCheckpoint, log: PacketLog): void {
  if (origin !== log.origin || size !== log.end || root !== log.root) {
    refuse('checkpoint-mismatch', "the checkpoint is not of the manifest's tree");
  }
}

export function checkAnchor({ anchor }: PacketPart, versionId: string, pinned: Pinned): AnchoredAt | undefined {
  if (anchor === null) {
    if (pinned.minConfs > 0) refuse('unanchored', `not anchored, ${pinned.minConfs} confirmations wanted`);
    return undefined;
  }
  if (anchor.chain === 'tidemark-dev' && !pinned.dev) {
    refuse('development-chain', 'the development chain is accepted on request only');
  }
  const chain = anchor.chain === 'tidemark-dev' ? anchor.chain : pinned.chain(anchor.chain);
  if (chain === undefined) refuse('unknown-block-hash', `no pin for the chain ${anchor.chain}`);
  const minConfs = Math.max(1, pinned.minConfs);
  return checkEnvelope(anchor.envelope, { versionId, vout: anchor.vout, chain, minConfs });
}
