/** One stream's log, from its first leaf to its last: packets, lines, tree, tiles, and what the ledger says of it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Leaf, toHex } from '@tidemark/proof';
import type { Position } from '../event.ts';
import type { PacketFiles } from '../store/packets.ts';
import type { Configs, JournaledConfig } from './configs.ts';
import { type Line, linesOf, measure } from './content.ts';
import type { Findings } from './findings.ts';
import { JournalEvents, type JournaledHeader } from './journal-events.ts';
import { checkLine } from './leaf.ts';
import { LeafPositions } from './leaf-positions.ts';
import {
  checkAgainstConfig,
  checkCheckpoint,
  checkManifest,
  LogVerifier,
  type PacketManifest,
  type PacketRow,
  readManifest,
} from './packet.ts';
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
  through: ReadonlyMap<string, number>;
}

export function walkStream(stream: string, sources: StreamSources, findings: Findings): WalkedStream {
  const walk = new StreamWalk(stream, sources, findings);
  const rows = sources.ledger.prepare('SELECT * FROM packets WHERE stream = ? ORDER BY "end"').iterate(stream);
  for (const row of rows) walk.packet(row as unknown as PacketRow);
  return walk.finish();
}

class StreamWalk {
  readonly #stream: string;
  readonly #files: PacketFiles;
  readonly #configs: Configs;
  readonly #findings: Findings;
  readonly #events: JournalEvents;
  readonly #positions: LeafPositions;
  readonly #reasons: StatementSync;
  readonly #quarantined: StatementSync;
  readonly #through = new Map<string, number>();
  readonly #tree: TreeCheck;
  /** From the leaf on that could be read nowhere, there is no tree to check. */
  #treeEnded = false;
  /** By the key in the log's header or, where that cannot be read, in its configuration. */
  #verifier: LogVerifier | undefined;
  #end = 0;
  #head: string | undefined;
  #rootWrong = false;
  /** Leaves of kind `quarantined`; undefined once a line could not be read. */
  #quarantinedLeaves: number | undefined = 0;

  constructor(stream: string, { journal, ledger, files, configs }: StreamSources, findings: Findings) {
    this.#stream = stream;
    this.#files = files;
    this.#configs = configs;
    this.#findings = findings;
    this.#events = new JournalEvents(journal);
    this.#positions = new LeafPositions(ledger, stream, findings);
    this.#tree = new TreeCheck(ledger, stream, findings);
    this.#reasons = ledger.prepare('SELECT reasons FROM quarantine WHERE position = ? AND stream = ? AND leaf = ?');
    this.#quarantined = ledger.prepare('SELECT count(*) AS rows FROM quarantine WHERE stream = ?');
  }

  packet(row: PacketRow): void {
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

  finish(): WalkedStream {
    this.#positions.finish(this.#end);
    if (!this.#treeEnded) this.#tree.finish();
    const surplus = Number(this.#quarantined.get(this.#stream)?.rows) - (this.#quarantinedLeaves ?? Infinity);
    if (surplus > 0) {
      this.#findings.violation(
        'quarantine-extra',
        `stream ${this.#stream}`,
        `${surplus} reasons of no quarantined leaf`,
      );
    }
    return { size: this.#end, head: this.#head, through: this.#through };
  }

  /** All leaves of a packet are under one configuration, since a change forces a cut. */
  #checkConfig(row: PacketRow, read: PacketManifest | undefined, where: string): JournaledConfig | undefined {
    const firstEvent = Math.max(1, row.start);
    const position = firstEvent < row.end ? this.#positions.at(firstEvent, row.end) : undefined;
    const config = position === undefined ? undefined : this.#configs.inForce(this.#stream, position);
    if (read !== undefined && config !== undefined) checkAgainstConfig(read, config, where, this.#findings);
    return config;
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
    const position = index === 0 ? undefined : this.#positions.at(index, end);
    const event = position === undefined ? undefined : this.#events.at(position);
    const context = { stream: this.#stream, index, position, event, config, reasons: this.#storedReasons };
    const checked = line && checkLine(line, context, this.#findings);
    this.#note(event, checked?.leaf);
    this.#grow(index, checked?.hash ?? this.#tree.storedLeafHash(index));
  }

  /** Keeps what packets and checkpoints are held against: by the journal if it has the event, else by the leaf. */
  #note(event: JournaledHeader | undefined, leaf: Leaf | undefined): void {
    if (leaf === undefined) this.#quarantinedLeaves = undefined;
    if (leaf?.kind === 'quarantined' && this.#quarantinedLeaves !== undefined) this.#quarantinedLeaves++;
    if (leaf?.kind === 'header') this.#verifier ??= new LogVerifier(leaf.logKey);
    if (event !== undefined) this.#through.set(event.source, event.seq);
    else if (leaf !== undefined && 'seq' in leaf) this.#through.set(leaf.source, leaf.seq);
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
    const same = Object.keys(through).length === this.#through.size;
    if (!same || [...this.#through].some(([source, seq]) => through[source] !== seq)) {
      this.#findings.violation('through-mismatch', where, `${JSON.stringify(through)} is not what its leaves reach`);
    }
  }

  readonly #storedReasons = (position: Position, leaf: number): string | undefined => {
    const row = this.#reasons.get(position, this.#stream, leaf);
    return row && String(row.reasons);
  };
}
