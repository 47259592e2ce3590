import { fromHex } from './bytes.ts';
import { parseCheckpoint, type SignedCheckpoint, verifyCheckpoint } from './checkpoint.ts';
import { hashLeaf, payloadHash } from './leaf.ts';
import { type PacketLog, packetLog, versionId } from './manifest.ts';
import { checkManifestSignatures } from './manifest-signatures.ts';
import { verifyInclusion } from './merkle.ts';
import { type Pinned, readOptions, type VerifyOptions } from './options.ts';
import { type ProofFile, parseProofFile } from './proof-file.ts';
import { report, type Verified } from './report.ts';
import { type AnchoredAt, checkEnvelope } from './spv.ts';
import { type Refusal, refuse, verdict } from './verdict.ts';

export type VerificationReport = Verified | Refusal;

const ED25519_BYTES = 64;

/**
 * Verifies a proof file, offline. Any JSON value gives a report: the level reached, what is proven and what had to be
 * trusted, or the first broken link. Throws a `ProofError` only for options that are of no use.
 */
export function verifyProof(proof: unknown, options: VerifyOptions = {}): VerificationReport {
  const pinned = readOptions(options);
  return verdict(() => checkProof(proof, pinned));
}

/** The checks in the order of `log.md`. */
function checkProof(value: unknown, pinned: Pinned): Verified {
  const proof = parseProofFile(value);
  const log = logOf(proof);
  checkPayload(proof);
  checkOrigin(proof, log);
  checkInclusion(proof, log);
  const anchoredId = checkVersionIds(proof);
  const checkpoint = parseCheckpoint(proof.checkpoint);
  const signers = checkManifestSignatures(proof.manifest, proof.versionId, pinned.publisher);
  if (proof.rollup !== undefined) checkManifestSignatures(proof.rollup, anchoredId);
  checkLogSignature(checkpoint, log, pinned);
  const cosigned = checkWitnesses(checkpoint, pinned);
  checkCheckpoint(checkpoint, log);
  const anchored = checkAnchor(proof, anchoredId, pinned);
  return report({ proof, log, signers, cosigned, anchored, pinned });
}

function logOf(proof: ProofFile): PacketLog {
  return packetLog(proof.manifest) ?? refuse('malformed', 'the manifest is not that of a packet: no content.log');
}

/** A payload may be missing, after erasure; one that is there has to be the one in the log. */
function checkPayload({ leaf, payload, salt }: ProofFile): void {
  if (payload === undefined) return;
  if (!('payloadHash' in leaf)) refuse('payload-mismatch', `a ${leaf.kind} leaf has no payload`);
  if (payloadHash(payload, fromHex(salt ?? '')) !== leaf.payloadHash) {
    refuse('payload-mismatch', "the payload is not the one of the leaf's payloadHash");
  }
}

/** A log's origin is the node's name, a slash, and the stream. */
function checkOrigin({ leaf }: ProofFile, log: PacketLog): void {
  const suffix = `/${leaf.stream}`;
  if (!log.origin.endsWith(suffix) || log.origin.length === suffix.length) {
    refuse('inclusion-mismatch', "the manifest's log is not that of the leaf's stream");
  }
}

function checkInclusion(proof: ProofFile, log: PacketLog): void {
  const path = proof.inclusion.map(fromHex);
  if (!verifyInclusion(proof.index, log.end, hashLeaf(proof.leaf), path, fromHex(log.root))) {
    refuse('inclusion-mismatch', `the path does not lead from leaf ${proof.index} to the root of ${log.end} leaves`);
  }
}

/** Returns the versionId that an anchor has to carry. */
function checkVersionIds({ manifest, versionId: claimed, rollup }: ProofFile): string {
  if (versionId(manifest) !== claimed) refuse('manifest-mismatch', "versionId is not the manifest's");
  if (rollup === undefined) return claimed;
  if (!rollup.lineage?.parents.includes(claimed)) {
    refuse('manifest-mismatch', 'the rollup does not name the packet among its parents');
  }
  return versionId(rollup);
}

/** Without a pinned key there is none to verify with; that the log has signed at all is still asked for. */
function checkLogSignature(checkpoint: SignedCheckpoint, log: PacketLog, { logKey }: Pinned): void {
  if (logKey === undefined) {
    const own = checkpoint.signatures.filter((line) => line.name === log.origin);
    if (!own.some((line) => line.bytes.length === ED25519_BYTES)) {
      refuse('signature-invalid', 'the checkpoint is not signed by its log');
    }
  } else if (logKey.name !== log.origin || verifyCheckpoint(checkpoint, logKey) !== 'valid') {
    refuse('signature-invalid', "the checkpoint is not signed by the pinned key of the manifest's log");
  }
}

/** Returns the names of the pinned witnesses that cosigned. */
function checkWitnesses(checkpoint: SignedCheckpoint, { witnesses, quorum }: Pinned): string[] {
  const states = witnesses.map((key) => ({ name: key.name, state: verifyCheckpoint(checkpoint, key) }));
  const broken = states.find(({ state }) => state === 'invalid');
  if (broken !== undefined) refuse('signature-invalid', `the cosignature of ${broken.name} does not verify`);
  const cosigned = states.filter(({ state }) => state === 'valid').map(({ name }) => name);
  if (cosigned.length < quorum) refuse('signature-invalid', `${cosigned.length} of ${quorum} witnesses cosigned`);
  return cosigned;
}

function checkCheckpoint({ origin, size, root }: SignedCheckpoint, log: PacketLog): void {
  if (origin !== log.origin || size !== log.end || root !== log.root) {
    refuse('checkpoint-mismatch', "the checkpoint is not of the manifest's tree");
  }
}

function checkAnchor({ anchor }: ProofFile, versionId: string, pinned: Pinned): AnchoredAt | undefined {
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
