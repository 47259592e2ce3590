/** Rollups as a stranger would make them: from the lines of packets, without any haste. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { canonicalize, type Leaf, parseManifest, verifyEcdsa, versionId } from '@tidemark/proof';
import { expect } from 'vitest';
import type { RollupPolicy, StreamConfig } from '../../src/stream.ts';
import { packetsOf } from './ledger.ts';
import { IDENTITY } from './node.ts';
import type { Works } from './passage.ts';

export interface PacketLine {
  leaf: Leaf;
  payload?: unknown;
}

/** For fields that are members of the payload. */
export function naively(lines: readonly PacketLine[], policy: Pick<RollupPolicy, 'fields' | 'quantiles'>): object {
  const counted = lines.filter(({ leaf }) => !lines.some((other) => replaces(other.leaf, leaf)));
  const ofKind = (kind: Leaf['kind']) => counted.filter(({ leaf }) => leaf.kind === kind).length;
  const replaced = lines.flatMap(({ leaf }) => targetOf(leaf) ?? []);
  const here = new Set(lines.flatMap(({ leaf }) => namesOf(leaf)));
  return {
    records: ofKind('record'),
    fused: ofKind('fused'),
    quarantined: ofKind('quarantined'),
    revisions: new Set(replaced.filter((name) => !here.has(name))).size,
    fields: Object.fromEntries(policy.fields.map((field) => [field, summary(counted, field, policy.quantiles)])),
  };
}

function replaces(other: Leaf, leaf: Leaf): boolean {
  if (leaf.kind === 'fused') return other.kind === 'fused' && other.supersedes === leaf.decision;
  if (other.kind !== 'record' || other.supersedes === undefined) return false;
  if (leaf.kind !== 'record' && leaf.kind !== 'quarantined') return false;
  if (other.eventId !== leaf.eventId) return false;
  return other.seq > leaf.seq || (other.seq === leaf.seq && leaf.kind === 'quarantined');
}

function targetOf(leaf: Leaf): string | undefined {
  if (leaf.kind === 'fused') return leaf.supersedes;
  if (leaf.kind !== 'record' || leaf.supersedes === undefined) return undefined;
  const [source, seq] = leaf.supersedes;
  return seq === leaf.seq ? `quarantined ${source} ${seq}` : `${source} ${seq}`;
}

function namesOf(leaf: Leaf): string[] {
  if (leaf.kind === 'fused') return [leaf.decision];
  if (leaf.kind === 'record') return [`${leaf.source} ${leaf.seq}`];
  return leaf.kind === 'quarantined' ? [`${leaf.source} ${leaf.seq}`, `quarantined ${leaf.source} ${leaf.seq}`] : [];
}

function summary(lines: readonly PacketLine[], field: string, quantiles: readonly number[]): object {
  const numbers = lines.flatMap(({ payload }) => {
    const value = (payload as Record<string, unknown> | null | undefined)?.[field];
    return typeof value === 'number' ? [value] : [];
  });
  const ascending = numbers.toSorted((a, b) => a - b);
  // As many as do not exceed it, in millionths of all of them.
  const share = (value: number) => 1_000_000 * numbers.filter((number) => number <= value).length;
  const quantile = (q: number) => ascending.find((value) => share(value) >= Math.round(q * 1_000_000) * numbers.length);
  const sum = numbers.reduce((total, number) => total + number, 0);
  return {
    count: numbers.length,
    min: ascending[0] ?? null,
    max: ascending.at(-1) ?? null,
    mean: numbers.length === 0 ? null : sum / numbers.length,
    quantiles: Object.fromEntries(quantiles.map((q) => [String(q), quantile(q) ?? null])),
  };
}

/** Checks each rollup of a stream; all of its packets up to the last one are in exactly one. @returns how many there are */
export function verifyRollups(works: Works, stream: string, configs: readonly StreamConfig[]): number {
  const rollups = works.ledger.rollups.before(stream, undefined, 100_000).reverse();
  const packets = packetsOf(works, stream);
  let end = 0;
  for (const rollup of rollups) {
    const covered = packets.filter(({ start }) => rollup.start <= start && start < rollup.end);
    expect([covered[0]?.start, covered.at(-1)?.end]).toEqual([rollup.start, rollup.end]);
    expect(rollup.start).toBeGreaterThanOrEqual(end);
    end = rollup.end;
    const manifest = parseManifest(JSON.parse(rollup.manifest));
    expect(versionId(manifest)).toBe(rollup.versionId);
    expect(manifest.lineage?.parents).toEqual(covered.map(({ versionId }) => versionId));
    const { publicKey = '', signature = '' } = manifest.signatures?.producer ?? {};
    expect(publicKey).toBe(IDENTITY.publicKey);
    expect(verifyEcdsa(bytes(rollup.versionId), bytes(signature), bytes(publicKey))).toBe(true);
    const { config } = manifest.content.rollup as { config: string };
    const policy = configs.find((one) => sha256(canonicalize(one)) === config)?.rollup;
    const lines = covered.flatMap(({ contentHash }) => linesIn(works.files.path(contentHash)));
    const text = readFileSync(works.files.path(rollup.contentHash), 'utf8');
    expect(sha256(text)).toBe(manifest.content.contentHash);
    expect(text).toBe(
      canonicalize({
        ...{ v: 1, kind: 'rollup', stream, packets: covered.length },
        window: { start: time(rollup.window.start), end: time(rollup.window.end) },
        leaves: { start: rollup.start, end: rollup.end },
        ...naively(lines, policy!),
      }),
    );
  }
  return rollups.length;
}

export function linesIn(path: string): PacketLine[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as PacketLine);
}

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const time = (ms: number) => new Date(ms).toISOString();
