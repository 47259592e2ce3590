/** Why a packet that was derived anew is not the stored one: the first leaf, the event and the stage. */
import type { ControlLeaf } from '@tidemark/proof';
import type { Position, SealedPacket } from '../event.ts';
import type { PacketFiles } from '../store/packets.ts';
import { HASH_BYTES, TILE_WIDTH } from '../tile.ts';
import type { ComparedContent, ContentDifference } from './compared-content.ts';
import type { JournalLookup } from './journal-lookup.ts';
import { type LeafDifference, type Line, leafDifference, stageOfReasons, subjectOf } from './leaf-difference.ts';
import { manifestDifference } from './manifest-difference.ts';
import type { Difference, ReplayStage } from './report.ts';
import type { StoredLedger, StoredPacket } from './stored-ledger.ts';
import { lineNumber, parseLine, storedLeafHashes, storedLine } from './stored-lines.ts';

/** What is stored of those of an event that is erased; its bytes may be there a little longer. */
const NO_REASONS = '[]';

export class PacketDifferences {
  readonly #ledger: StoredLedger;
  readonly #files: PacketFiles;
  readonly #events: JournalLookup;

  constructor(ledger: StoredLedger, files: PacketFiles, events: JournalLookup) {
    this.#ledger = ledger;
    this.#files = files;
    this.#events = events;
  }

  /** @returns undefined where they are the same */
  between(derived: SealedPacket, stored: StoredPacket, content: ComparedContent): Difference | undefined {
    if (!content.isStored) return whole(stored, 'certify', `its content ${stored.contentHash} is missing`);
    if (content.difference !== undefined) return this.#inContent(derived, stored, content.difference);
    const members = manifestDifference(derived.manifest, stored.manifest) ?? wrongColumn(derived, stored);
    if (members !== undefined) return whole(stored, 'certify', `the manifest differs: ${members}`);
    return this.#besideLeaves(derived, stored);
  }

  missing(derived: SealedPacket): Difference {
    const [first] = derived.placements;
    const event = first && this.#events.at(first.first);
    return {
      ...whole(derived, 'certify', 'the journal gives this packet, and the ledger has none'),
      kind: 'missing',
      event,
    };
  }

  extra(stored: StoredPacket): Difference {
    // The header is about no event.
    const line = storedLine(this.#files.path(stored.contentHash), stored.start === 0 ? 1 : 0);
    const event = this.#eventOf(line);
    return {
      ...whole(stored, 'certify', 'the ledger has this packet, and the journal gives none'),
      kind: 'extra',
      event,
    };
  }

  /** What keeps a journaled item from being derived anew. */
  ofItem(stream: string, position: Position, stage: ReplayStage, what: string): Difference {
    const leaf = this.#ledger.leafOf(position);
    const stored = leaf === undefined ? undefined : this.#ledger.packetFrom(stream, leaf);
    const packet = stored && packetOf(stored);
    const event = this.#events.at(position);
    return { kind: 'differs', stage, packet, leaf, event, what: `${what} (journal position ${position})` };
  }

  /** The control leaf in the ledger at this place, if there is one. */
  storedControl(stream: string, leaf: number): ControlLeaf | undefined {
    const packet = this.#ledger.packetFrom(stream, leaf);
    const line = packet && storedLine(this.#files.path(packet.contentHash), leaf - packet.start);
    return typeof line === 'object' && line.leaf.kind === 'control' ? line.leaf : undefined;
  }

  #inContent(derived: SealedPacket, stored: StoredPacket, { offset, line }: ContentDifference): Difference {
    const path = this.#files.path(stored.contentHash);
    const number = lineNumber(path, offset);
    const leaf = derived.start + number;
    const lines = { derived: line === undefined ? undefined : parseLine(line), stored: storedLine(path, number) };
    const { stage, what, subject } = this.#inLine(derived, stored, leaf, lines);
    const event = subject && this.#events.of(subject);
    const changed = manifestDifference(derived.manifest, stored.manifest) === undefined;
    const since = changed ? '; the manifest is the same, so the content was changed after it was sealed' : '';
    return { ...whole(stored, stage, `${what}${since}`), leaf, event };
  }

  #inLine(
    derived: SealedPacket,
    stored: StoredPacket,
    leaf: number,
    lines: { derived: Line | 'unreadable' | undefined; stored: Line | 'unreadable' | undefined },
  ): LeafDifference {
    const own = typeof lines.derived === 'object' ? lines.derived : undefined;
    const other = typeof lines.stored === 'object' ? lines.stored : undefined;
    const subject = subjectOfLine(own) ?? subjectOfLine(other);
    if (lines.stored === 'unreadable') return { stage: 'certify', what: 'the stored line holds no leaf', subject };
    if (own === undefined || other === undefined) {
      const what = `the packet ends at leaf ${derived.end}, the stored one at leaf ${stored.end}`;
      return { stage: 'order', what, subject };
    }
    if (sameLeaves(derived, this.#files.path(stored.contentHash))) {
      return { stage: 'order', what: 'the same leaves in another order', subject };
    }
    return leafDifference(
      { line: own, reasons: derivedReasons(derived, leaf), audit: derivedAudit(derived, leaf) },
      { line: other, reasons: this.#storedReasons(stored.stream, leaf, other), audit: this.#storedAudit(stored, leaf) },
    );
  }

  /** What no leaf has a hash of, or whose text the ledger alone keeps. */
  #besideLeaves(derived: SealedPacket, stored: StoredPacket): Difference | undefined {
    const { stream, start, end, quarantined, notes, decisions } = derived;
    const audits = new Map(this.#ledger.audits(stream, start, end).map((stored) => [stored.leaf, stored]));
    const differs = (leaf: number, stage: ReplayStage, what: string): Difference => {
      const line = storedLine(this.#files.path(stored.contentHash), leaf - start);
      return { ...whole(stored, stage, what), leaf, event: this.#eventOf(line) };
    };
    for (const { leaf, audit, conflict } of decisions) {
      const stored = audits.get(leaf);
      if (stored?.audit !== audit || stored.conflict !== conflict)
        return differs(leaf, 'fuse', 'the stored audit entry');
      audits.delete(leaf);
    }
    for (const leaf of audits.keys()) return differs(leaf, 'fuse', 'an audit entry of no decision');
    for (const { position, leaf, reasons } of quarantined) {
      const stored = this.#ledger.beside('reasons', position, stream, leaf);
      const same = stored === JSON.stringify(reasons) || (stored === NO_REASONS && this.#events.isErased(position));
      if (!same) return differs(leaf, stageOfReasons(reasons), 'the stored reasons');
    }
    for (const { position, leaf, notes: noted } of notes) {
      const same = this.#ledger.beside('notes', position, stream, leaf) === JSON.stringify(noted);
      if (!same) return differs(leaf, 'order', 'the stored notes');
    }
    return undefined;
  }

  #eventOf(line: Line | 'unreadable' | undefined): Difference['event'] {
    const subject = typeof line === 'object' ? subjectOfLine(line) : undefined;
    return subject && this.#events.of(subject);
  }

  #storedReasons(stream: string, leaf: number, { leaf: { kind, ...members } }: Line): string[] {
    if (kind !== 'quarantined' || !('seq' in members)) return [];
    const { position } = this.#events.of([members.source, members.seq]);
    const text = position === undefined ? undefined : this.#ledger.beside('reasons', position, stream, leaf);
    return text === undefined ? [] : (JSON.parse(text) as string[]);
  }

  #storedAudit({ stream }: StoredPacket, leaf: number): string | undefined {
    return this.#ledger.audits(stream, leaf, leaf + 1)[0]?.audit;
  }
}

function whole(packet: Extent, stage: ReplayStage, what: string): Difference {
  return { kind: 'differs', stage, packet: packetOf(packet), leaf: undefined, event: undefined, what };
}

type Extent = NonNullable<Difference['packet']>;

function packetOf({ start, end, versionId }: Extent): Extent {
  return { start, end, versionId };
}

/** What the ledger's row of a packet says beside its manifest. */
function wrongColumn(derived: SealedPacket, stored: StoredPacket): string | undefined {
  const columns = ['versionId', 'start', 'end', 'contentHash', 'sealedAt'] as const;
  return columns.find((column) => derived[column] !== stored[column]);
}

function subjectOfLine(line: Line | undefined): LeafDifference['subject'] {
  return line && subjectOf(line.leaf);
}

function sameLeaves({ start, end, tiles }: SealedPacket, path: string): boolean {
  const stored = storedLeafHashes(path);
  if (stored?.length !== end - start) return false;
  const derived: string[] = [];
  for (const { level, index, hashes } of tiles) {
    if (level !== 0) continue;
    const first = index * TILE_WIDTH;
    for (let leaf = Math.max(first, start); leaf < Math.min(first + hashes.length / HASH_BYTES, end); leaf++) {
      derived.push(hashes.toString('hex', (leaf - first) * HASH_BYTES, (leaf - first + 1) * HASH_BYTES));
    }
  }
  return stored.sort().join() === derived.sort().join();
}

function derivedReasons({ quarantined }: SealedPacket, leaf: number): string[] {
  return quarantined.find((event) => event.leaf === leaf)?.reasons ?? [];
}

function derivedAudit({ decisions }: SealedPacket, leaf: number): string | undefined {
  return decisions.find((decision) => decision.leaf === leaf)?.audit;
}
