/** Rollups: each covers packets that no other covers, and says of them what their contents add up to. */
import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { canonicalize, type Manifest, ProofError, parseManifest, versionId } from '@tidemark/proof';
import { type Aggregates, aggregate, COUNTS, rollupContent, type Tallied } from '../certify/aggregates.ts';
import type { PacketFiles } from '../store/packets.ts';
import type { Configs } from './configs.ts';
import { measure } from './content.ts';
import type { Findings } from './findings.ts';
import { isSignedByProducer } from './packet.ts';

interface RollupRow {
  version_id: string;
  stream: string;
  start: number;
  end: number;
  window_start: number;
  window_end: number;
  content_hash: string;
  manifest: string;
  sealed_at: number;
  batch: string | null;
}

interface Covered {
  version_id: string;
  content_hash: string;
  start: number;
  end: number;
}

const EXTENTS = `SELECT stream, "start", "end" FROM rollups WHERE batch IS NULL
  UNION ALL SELECT stream, "start", "end" FROM due_rollups WHERE batch IS NULL ORDER BY stream, "end"`;
const COVERED = `SELECT version_id, content_hash, "start", "end" FROM packets
  WHERE stream = ? AND "start" >= ? AND "end" <= ? ORDER BY "end"`;

export function checkRollups(ledger: DatabaseSync, files: PacketFiles, configs: Configs, findings: Findings): void {
  checkExtents(ledger, configs, findings);
  const covered = ledger.prepare(COVERED);
  for (const found of ledger.prepare('SELECT * FROM rollups ORDER BY id').iterate()) {
    const row = found as unknown as RollupRow;
    const packets = covered.all(row.stream, row.start, row.end) as unknown as Covered[];
    checkRollup(row, packets, files, configs, findings);
    findings.checked.rollups++;
  }
}

/** No leaf is in two of them, made or due, none is left out, and the stream goes on where the last one ends. */
function checkExtents(ledger: DatabaseSync, configs: Configs, findings: Findings): void {
  const ends = new Map<string, number>();
  // What is sealed while a stream has no rollups is in none.
  const hasAlways = (stream: string) => configs.of(stream).every(({ config }) => config.rollup !== undefined);
  for (const row of ledger.prepare(EXTENTS).iterate()) {
    const { stream, start, end } = row as unknown as RollupRow;
    const last = ends.get(stream) ?? 0;
    if (start < last || end <= start || (start > last && hasAlways(stream))) {
      findings.violation('rollup-range-wrong', nameOf(stream, start, end), `the one before ends at ${last}`);
    }
    ends.set(stream, end);
  }
  for (const row of ledger.prepare('SELECT stream, size, rolled_up FROM streams').iterate()) {
    const [stream, size, rolledUp] = [String(row.stream), Number(row.size), Number(row.rolled_up)];
    const last = ends.get(stream) ?? 0;
    if (last === rolledUp || (last < rolledUp && rolledUp <= size && !hasAlways(stream))) continue;
    const what = `rolled up to ${rolledUp}, its last rollup ends at ${last}, and its packets at ${size}`;
    findings.violation('rollup-range-wrong', `stream ${stream}`, what);
  }
}

function checkRollup(
  row: RollupRow,
  packets: readonly Covered[],
  files: PacketFiles,
  configs: Configs,
  findings: Findings,
): void {
  const where = nameOf(row.stream, row.start, row.end);
  if (!isWhole(row, packets)) {
    findings.violation('rollup-range-wrong', where, 'its leaves are not those of whole packets');
  }
  const manifest = readManifest(row, where, findings);
  if (manifest === undefined) return;
  checkManifest(row, manifest, packets, where, findings);
  const { config: named, origin } = claimed(manifest);
  const config = configs.of(row.stream).find(({ hash }) => hash === named)?.config;
  const has = canonicalize([origin ?? null, manifest.datasetId, manifest.provenance.producer ?? null, manifest.policy]);
  const policy = row.batch === null ? config?.rollup : COUNTS;
  if (config === undefined || policy === undefined) {
    findings.violation('config-mismatch', where, 'its configuration is none of its stream, or has no rollups');
  } else if (
    has !== canonicalize([config.origin, config.datasetId, { identityKey: config.publisher }, config.policy])
  ) {
    findings.violation('config-mismatch', where, 'origin, datasetId, producer or policy are not those of the journal');
  } else checkContent(row, packets, { files, policy, size: manifest.content.sizeBytes }, findings);
}

function isWhole({ start, end }: RollupRow, packets: readonly Covered[]): boolean {
  let next = start;
  for (const packet of packets) {
    if (packet.start !== next) return false;
    next = packet.end;
  }
  return next === end;
}

function readManifest({ manifest }: RollupRow, where: string, findings: Findings): Manifest | undefined {
  try {
    return parseManifest(JSON.parse(manifest));
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !(cause instanceof ProofError)) throw cause;
    findings.violation('manifest-malformed', where, cause.message);
    return undefined;
  }
}

function checkManifest(
  row: RollupRow,
  manifest: Manifest,
  packets: readonly Covered[],
  where: string,
  findings: Findings,
): void {
  const named = versionId(manifest);
  if (named !== row.version_id) findings.violation('version-id-mismatch', where, `the manifest's is ${named}`);
  if (!isSignedByProducer(manifest, row.version_id)) {
    findings.violation('manifest-signature-invalid', where, 'not signed by the producer that the manifest names');
  }
  const parents = canonicalize(manifest.lineage?.parents ?? []);
  if (parents !== canonicalize(packets.map(({ version_id }) => version_id))) {
    findings.violation('parent-mismatch', where, 'its parents are not the packets that it covers');
  }
  const { contentHash } = manifest.content;
  const { config: _, origin: __, ...extent } = claimed(manifest);
  const window = { start: time(row.window_start), end: time(row.window_end) };
  const due = { start: row.start, end: row.end, window, ...batchOf(row) };
  const has = canonicalize([contentHash, manifest.provenance.createdAt, extent]);
  if (has !== canonicalize([row.content_hash, time(row.sealed_at), due])) {
    findings.violation('rollup-mismatch', where, 'the row is not what the manifest says');
  }
}

function checkContent(
  row: RollupRow,
  packets: readonly Covered[],
  { files, policy, size }: { files: PacketFiles; policy: Tallied; size: number | undefined },
  findings: Findings,
): void {
  const where = nameOf(row.stream, row.start, row.end);
  const content = measure(files.path(row.content_hash));
  if (content === undefined) findings.violation('content-missing', where, `there is no ${row.content_hash}`);
  else if (content.hash !== row.content_hash || content.size !== size) {
    findings.violation('content-hash-mismatch', where, `the file ${row.content_hash} has the hash ${content.hash}`);
  }
  const paths = packets.map(({ content_hash }) => files.path(content_hash));
  const aggregates = paths.every((path) => existsSync(path)) ? addedUp(paths, policy) : undefined;
  if (aggregates === undefined) {
    findings.note('unchecked', where, 'a packet that it covers cannot be read');
    return;
  }
  const window = { start: row.window_start, end: row.window_end };
  const extent = { stream: row.stream, start: row.start, end: row.end, window, ...batchOf(row) };
  if (hash('sha256', rollupContent(extent, packets.length, aggregates), 'hex') === row.content_hash) return;
  findings.violation('rollup-mismatch', where, 'its aggregates are not what its packets add up to');
}

/** @returns undefined where a line is none, which has been found already */
function addedUp(paths: readonly string[], policy: Tallied): Aggregates | undefined {
  try {
    const work = aggregate(paths, policy);
    let step = work.next();
    while (step.done !== true) step = work.next();
    return step.value;
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) return undefined;
    throw cause;
  }
}

/** `content.rollup`, whatever it holds. */
function claimed({ content }: Manifest): Record<string, unknown> {
  return { ...(content.rollup as object | undefined) };
}

function batchOf({ batch }: RollupRow): { batch?: string } {
  return batch === null ? {} : { batch };
}

function nameOf(stream: string, start: number, end: number): string {
  return `stream ${stream} rollup [${start},${end})`;
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
