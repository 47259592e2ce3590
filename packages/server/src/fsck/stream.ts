/** One stream's log, from its first leaf to its last: packets, lines, tree, tiles, and what the ledger says of it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type ControlLeaf, toHex } from '@tidemark/proof';
import type { Position } from '../event.ts';
import { type Line, linesOf } from '../store/content-lines.ts';
import type { PacketFiles } from '../store/packets.ts';
import type { Configs, JournaledConfig } from './configs.ts';
import { measure } from './content.ts';
import type { Findings } from './findings.ts';
import { LeafWalk } from './leaf-walk.ts';
import {
  checkAgainstConfig,
  checkCheckpoint,
  checkManifest,
  LogVerifier,
  type PacketManifest,
  type PacketRow,
  readManifest,
} from './packet.ts';
import { Words } from './resolutions.ts';
import { TreeCheck } from './tiles.ts';

export interface StreamSources {
  journal: DatabaseSync;
  ledger: DatabaseSync;
  files: PacketFiles;
  configs: Configs;
}

/** What the log turned out to hold. */
export interface WalkedStream {
  size: number;
  head: string | undefined;
  /** Undefined where it cannot be said. */
  through: ReadonlyMap<string, number> | undefined;
  /** One beyond the last operator's word that a leaf comes of; 0 for none. */
  resolvedTo: Position;
}

export function walkStream(stream: string, sources: StreamSources, findings: Findings): WalkedStream {
  const walk = new StreamWalk(stream, sources, findings);
  const rows = sources.ledger.prepare('SELECT * FROM packets WHERE stream = ? ORDER BY "end"').iterate(stream);
  for (const row of rows) walk.packet(row as unknown as PacketRow);
  const row = sources.ledger.prepare('SELECT consumed FROM streams WHERE stream = ?').get(stream);
  return walk.finish(Number(row?.consumed ?? 0));
}

class StreamWalk {
  readonly #stream: string;
  readonly #files: PacketFiles;
  readonly #configs: Configs;
  readonly #findings: Findings;
  readonly #leafWalk: LeafWalk;
  readonly #words: Words;
  readonly #lastPlaced: StatementSync;
  readonly #moved: StatementSync;
  readonly #tree: TreeCheck;
  /** From the leaf on that could be read nowhere, there is no tree to check. */
  #treeEnded = false;
  /** By the key in the log's header or, where that cannot be read, in its configuration; then by those that replace it. */
  #verifier: LogVerifier | undefined;
  /** For the packets after the one at hand, which says so. */
  #nextVerifier: LogVerifier | undefined;
  /** Position of the configuration of the packet before. */
  #configFrom: Position = 0;
  /** Position of the configuration of the first packet. */
  #firstConfig: Position | undefined;
  /** Configurations with a leaf that says so. */
  readonly #announced = new Set<JournaledConfig>();
  #end = 0;
  #head: string | undefined;
  #rootWrong = false;

  constructor(stream: string, { journal, ledger, files, configs }: StreamSources, findings: Findings) {
    this.#stream = stream;
    this.#files = files;
    this.#configs = configs;
    this.#findings = findings;
    this.#leafWalk = new LeafWalk(stream, journal, ledger, configs, findings);
    this.#words = new Words(journal);
    this.#tree = new TreeCheck(ledger, stream, findings);
    this.#lastPlaced = ledger.prepare(
      'SELECT max(first + count - 1) AS position FROM placements WHERE stream = ? AND leaf >= ? AND leaf < ?',
    );
    this.#moved = ledger.prepare('SELECT position FROM moves WHERE stream = ? AND leaf >= ? AND leaf < ?');
  }

  packet(row: PacketRow): void {
    this.#verifier = this.#nextVerifier ?? this.#verifier;
    this.#nextVerifier = undefined;
    const where = `stream ${this.#stream} packet [${row.start},${row.end})`;
    if (row.start !== this.#end || row.end <= row.start) {
      this.#findings.violation('packet-gap', where, `leaf ${this.#end} is due`);
      this.#leavesUnread(this.#end, row.start);
    }
    const read = readManifest(row, where, this.#findings);
    if (read !== undefined) checkManifest(row, read, this.#head, where, this.#findings);
    const config = this.#checkConfig(row, read, where);
    this.#leaves(row, read, config, where);
    if (read !== undefined) this.#checkTree(row, read, config, where);
    this.#head = row.version_id;
    this.#end = row.end;
    this.#findings.checked.packets++;
    this.#findings.checked.leaves += row.end - row.start;
  }

  /** @param consumed journal items below this position are in packets */
  finish(consumed: Position): WalkedStream {
    this.#leafWalk.finish(this.#end);
    for (const config of this.#configs.of(this.#stream)) {
      const { position } = config;
      if (position <= (this.#firstConfig ?? position) || position >= consumed || this.#announced.has(config)) continue;
      this.#findings.violation(
        'change-missing',
        `journal position ${position}`,
        'no leaf says that it came into force',
      );
    }
    if (!this.#treeEnded) this.#tree.finish();
    const { resolvedTo } = this.#leafWalk;
    return { size: this.#end, head: this.#head, through: this.#leafWalk.through(), resolvedTo };
  }

  /** All leaves of a packet are sealed under one configuration, since a change forces a cut. */
  #checkConfig(row: PacketRow, read: PacketManifest | undefined, where: string): JournaledConfig | undefined {
    const cause = this.#causeOf(row);
    const change = cause === undefined ? undefined : this.#configs.at(this.#stream, cause);
    if (change !== undefined) this.#announced.add(change);
    // What a stage has held may have come under an earlier one.
    const sealing = read && this.#configs.sealing(this.#stream, read.log.config, this.#configFrom, cause ?? 0);
    const inForce = cause === undefined ? undefined : this.#configs.inForce(this.#stream, cause);
    const config = sealing?.isOrdered === true ? sealing : inForce;
    this.#configFrom = config?.position ?? this.#configFrom;
    this.#firstConfig ??= config?.position;
    if (read === undefined || config === undefined) return config;
    checkAgainstConfig(read, config, where, this.#findings);
    this.#leafWalk.windows.packet(read, config, change !== undefined, where);
    return config;
  }

  /** The last journal item that made a leaf of the packet come: an event, or else an operator's word. */
  #causeOf({ start, end }: PacketRow): Position | undefined {
    const last = this.#lastPlaced.get(this.#stream, start, end)?.position;
    if (typeof last === 'number') return last;
    const moved = this.#moved.all(this.#stream, start, end).map(({ position }) => Number(position));
    return this.#words.about(moved)?.entry;
  }

  #leaves(row: PacketRow, read: PacketManifest | undefined, config: JournaledConfig | undefined, where: string): void {
    const lines = this.#intactLines(row, read, where);
    const offsets = Buffer.from(row.offsets);
    let offsetsRight = offsets.length === 4 * (row.end - row.start);
    for (let leaf = row.start; leaf < row.end; leaf++) {
      const line = lines?.next();
      if (line?.done === true) {
        this.#findings.violation(
          'line-count-wrong',
          where,
          `${leaf - row.start} lines for ${row.end - row.start} leaves`,
        );
        this.#leavesUnread(leaf, row.end);
        return;
      }
      const end = line?.value.end;
      offsetsRight &&= end === undefined || end === offsets.readUInt32LE(4 * (leaf - row.start));
      this.#leaf(leaf, row.end, line?.value.bytes, config);
    }
    if (lines?.next().done === false) this.#findings.violation('line-count-wrong', where, 'more lines than leaves');
    if (!offsetsRight)
      this.#findings.violation('offsets-wrong', where, 'the stored offsets are not the ends of its lines');
  }

  #leavesUnread(from: number, to: number): void {
    for (let leaf = from; leaf < to; leaf++) this.#leaf(leaf, to, undefined, undefined);
  }

  /** The lines of the content, if it is the one that the row names. */
  #intactLines(row: PacketRow, read: PacketManifest | undefined, where: string): Generator<Line> | undefined {
    const path = this.#files.path(row.content_hash);
    const content = measure(path);
    if (content === undefined) this.#findings.violation('content-missing', where, `there is no ${row.content_hash}`);
    else if (content.hash !== row.content_hash) {
      this.#findings.violation(
        'content-hash-mismatch',
        where,
        `the file ${row.content_hash} has the hash ${content.hash}`,
      );
    } else {
      const size = read?.manifest.content.sizeBytes ?? content.size;
      if (size === content.size) return linesOf(path);
      this.#findings.violation('content-hash-mismatch', where, `${content.size} bytes, ${size} in the manifest`);
      return linesOf(path);
    }
    return undefined;
  }

  /** Where the line cannot be read, the tile's hash stands in, so that the leaves after it can still be checked. */
  #leaf(index: number, end: number, line: Buffer | undefined, config: JournaledConfig | undefined): void {
    const checked = this.#leafWalk.leaf(index, end, line, config);
    if (checked?.leaf.kind === 'header') this.#verifier ??= new LogVerifier(checked.leaf.logKey);
    if (checked?.leaf.kind === 'control') this.#nextVerifier = successor(checked.leaf) ?? this.#nextVerifier;
    this.#grow(index, checked?.hash ?? this.#tree.storedLeafHash(index));
  }

  #grow(index: number, leafHash: Uint8Array | undefined): void {
    if (this.#treeEnded) return;
    if (leafHash === undefined) {
      this.#treeEnded = true;
      const what = `neither line nor tile has leaf ${index}: roots and tiles from there on are not checked`;
      this.#findings.note('unchecked', `stream ${this.#stream}`, what);
      return;
    }
    this.#tree.append(leafHash);
  }

  #checkTree(row: PacketRow, read: PacketManifest, config: JournaledConfig | undefined, where: string): void {
    const root = this.#treeEnded ? undefined : toHex(this.#tree.root());
    if (root !== undefined && root !== read.log.root && !this.#rootWrong) {
      // Every later tree has the same leaves in it, so once is enough.
      this.#rootWrong = true;
      this.#findings.violation('root-mismatch', where, `the leaves make ${root}, the manifest has ${read.log.root}`);
    }
    this.#verifier ??= config && new LogVerifier(config.config.logKey);
    if (this.#verifier !== undefined) checkCheckpoint(row, read, this.#verifier, where, this.#findings);
    const { through } = read.log;
    const due = this.#leafWalk.through();
    const same = due === undefined || Object.keys(through).length === due.size;
    if (!same || [...(due ?? [])].some(([source, seq]) => through[source] !== seq)) {
      this.#findings.violation('through-mismatch', where, `${JSON.stringify(through)} is not what its leaves reach`);
    }
  }
}

/** By the key that a control leaf puts in the place of the log's. */
function successor({ action, data }: ControlLeaf): LogVerifier | undefined {
  const { logKey } = data as { logKey?: unknown };
  return action === 'key-rotated' && typeof logKey === 'string' ? new LogVerifier(logKey) : undefined;
}
