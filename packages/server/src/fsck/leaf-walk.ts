/** The leaves of one stream from left to right, each against the journal and what the ledger keeps beside it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Leaf } from '@tidemark/proof';
import type { Position } from '../event.ts';
import type { Configs, JournaledConfig } from './configs.ts';
import { Decisions } from './decisions.ts';
import { Erasures } from './erasures.ts';
import type { Findings } from './findings.ts';
import type { InputEvent } from './fused.ts';
import { JournalEvents } from './journal-events.ts';
import { checkLine, type LeafContext } from './leaf.ts';
import { type LeafItems, LeafPositions } from './leaf-positions.ts';
import { Reach } from './reach.ts';
import { type JournaledWord, Words } from './resolutions.ts';
import { WindowCheck } from './windows.ts';

const HEADER: LeafItems = { placed: [], moved: [] };

export class LeafWalk {
  readonly windows: WindowCheck;
  readonly #stream: string;
  readonly #configs: Configs;
  readonly #findings: Findings;
  readonly #events: JournalEvents;
  readonly #positions: LeafPositions;
  readonly #words: Words;
  readonly #erasures: Erasures;
  readonly #decisions: Decisions;
  readonly #reasons: StatementSync;
  readonly #quarantined: StatementSync;
  readonly #firstLeaf: StatementSync;
  /** Undefined once nobody knows which event a leaf is of. */
  #reach: Reach | undefined = new Reach();
  /** Leaves of kind `quarantined`; undefined once a line could not be read. */
  #quarantinedLeaves: number | undefined = 0;
  #resolvedTo: Position = 0;

  constructor(stream: string, journal: DatabaseSync, ledger: DatabaseSync, configs: Configs, findings: Findings) {
    this.#stream = stream;
    this.#configs = configs;
    this.#findings = findings;
    this.#events = new JournalEvents(journal);
    this.#positions = new LeafPositions(ledger, stream, findings);
    this.#words = new Words(journal);
    this.#erasures = new Erasures(journal);
    this.#decisions = new Decisions(ledger, stream, findings);
    this.windows = new WindowCheck(ledger, findings);
    this.#reasons = ledger.prepare('SELECT reasons FROM quarantine WHERE position = ? AND stream = ? AND leaf = ?');
    this.#quarantined = ledger.prepare('SELECT count(*) AS rows FROM quarantine WHERE stream = ?');
    this.#firstLeaf = ledger.prepare(
      'SELECT stream, leaf FROM placements WHERE first <= ? ORDER BY first DESC LIMIT 1',
    );
  }

  /** Up to which seq all events of each source are in the log; undefined where that cannot be said. */
  through(): ReadonlyMap<string, number> | undefined {
    return this.#reach?.through();
  }

  /** One beyond the last operator's word that a leaf comes of; 0 for none. */
  get resolvedTo(): Position {
    return this.#resolvedTo;
  }

  /**
   * @param end of the leaves that are asked for together
   * @param line undefined where there is none to be read
   * @param config of the packet
   * @returns the leaf and its hash, if the line holds one
   */
  leaf(index: number, end: number, line: Buffer | undefined, config: JournaledConfig | undefined) {
    const inOrder = config?.isOrdered === false;
    const items = index === 0 ? HEADER : this.#positions.at(index, end, inOrder);
    const word = items.placed.length === 0 ? this.#words.about(items.moved) : undefined;
    const context = this.#contextOf(index, items, word, config);
    const checked = line && checkLine(line, context, this.#findings);
    this.#checkItems(checked?.leaf, items, context);
    this.#count(checked?.leaf, items);
    if (checked === undefined) this.#decisions.lost();
    else this.windows.leaf(checked.leaf, items.placed[0], index, whereOf(context));
    if (word !== undefined) this.#resolvedTo = word.entry + 1;
    return checked;
  }

  /** @param size leaves of the log */
  finish(size: number): void {
    this.#positions.finish(size);
    this.#decisions.finish();
    const surplus = Number(this.#quarantined.get(this.#stream)?.rows) - (this.#quarantinedLeaves ?? Infinity);
    if (surplus <= 0) return;
    const what = `${surplus} reasons of no quarantined leaf`;
    this.#findings.violation('quarantine-extra', `stream ${this.#stream}`, what);
  }

  #contextOf(
    index: number,
    items: LeafItems,
    word: JournaledWord | undefined,
    config: JournaledConfig | undefined,
  ): LeafContext {
    const position = word?.position ?? items.placed[0];
    return {
      ...{ stream: this.#stream, index, position, word, config, reasons: this.#storedReasons },
      event: position === undefined ? undefined : this.#events.at(position),
      eventConfig: this.#inForce(word?.entry ?? position, config),
      inputs: () => [...items.placed, ...items.moved].map((each) => this.#inputAt(each)),
      erased: position !== undefined && this.#erasures.about(position) !== undefined,
      erasureAt: (at: Position) => this.#erasureAt(at),
      configAt: (at: Position) => this.#configs.at(this.#stream, at),
      decisions: this.#decisions,
    };
  }

  #erasureAt(position: Position) {
    const erasure = this.#erasures.at(position);
    return erasure && { erasure, event: this.#events.at(erasure.position) };
  }

  /** Where leaves follow the journal, all of a packet are under its own configuration. */
  #inForce(position: Position | undefined, config: JournaledConfig | undefined): JournaledConfig | undefined {
    if (config?.isOrdered === false || position === undefined) return config;
    return this.#configs.inForce(this.#stream, position);
  }

  #inputAt(position: Position): InputEvent {
    const event = this.#events.at(position);
    const policyHash = event && this.#configs.inForce(this.#stream, position)?.policyHash(event.source);
    return { event, policyHash };
  }

  /** Only a fused leaf stands for several events, and only such a one, or an operator's word, for one that had a leaf. */
  #checkItems(leaf: Leaf | undefined, { placed, moved }: LeafItems, context: LeafContext): void {
    const fused = leaf === undefined ? context.config?.fusionHash !== undefined : leaf.kind === 'fused';
    const where = whereOf(context);
    if (placed.length > 1 && !fused) this.#findings.violation('leaf-of-two-events', where, 'placements overlap');
    const due = context.word === undefined ? 0 : 1;
    if (moved.length > due && !fused) {
      const what = `journal position ${moved[due]} is said to have moved there`;
      this.#findings.violation('move-wrong', where, what);
    }
    for (const position of moved) {
      const first = this.#firstLeaf.get(position);
      if (first?.stream === this.#stream && Number(first.leaf) < context.index) continue;
      this.#findings.violation('move-wrong', where, `journal position ${position} had no leaf before`);
    }
  }

  /** Keeps what packets and rows are held against: by the journal if it has the events, else by the leaf. */
  #count(leaf: Leaf | undefined, { placed, moved }: LeafItems): void {
    if (leaf === undefined) this.#quarantinedLeaves = undefined;
    if (leaf?.kind === 'quarantined' && this.#quarantinedLeaves !== undefined) this.#quarantinedLeaves++;
    const events = placed.flatMap((position) => this.#events.at(position) ?? []);
    if (events.length > 0) for (const { source, seq } of events) this.#reach?.add(source, seq);
    else if (leaf?.kind === 'fused') for (const [source, seq] of leaf.inputs) this.#reach?.add(source, seq);
    else if (leaf !== undefined && 'seq' in leaf) this.#reach?.add(leaf.source, leaf.seq);
    else if (leaf === undefined && moved.length === 0) this.#reach = undefined;
  }

  readonly #storedReasons = (position: Position, leaf: number): string | undefined => {
    const row = this.#reasons.get(position, this.#stream, leaf);
    return row && String(row.reasons);
  };
}

function whereOf({ stream, index }: LeafContext): string {
  return `stream ${stream} leaf ${index}`;
}
